"""Owns the reserved days and their history, the town's calendar, the deadlines and places of its activities; copies of
children, sites, activities, enrolments, holiday weeks and bookings.

Publishes planning.enrolment_applied, planning.reservations_changed.
Hears dossier.dossier_changed, dossier.child_changed, enrolment.site_changed, enrolment.activity_changed,
enrolment.holiday_week_changed, enrolment.enrolment_changed, enrolment.booking_confirmed, enrolment.booking_changed,
enrolment.booking_paid, enrolment.booking_cancelled, enrolment.booking_expired, identity.account_closed,
identity.access_revoked.
"""
