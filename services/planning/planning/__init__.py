"""Owns the month's planning, the town's calendar and the deadlines of its activities; for now the planning shows only
copies of children, sites, activities, enrolments, holiday weeks and bookings.

Publishes nothing yet.
Hears dossier.dossier_changed, dossier.child_changed, enrolment.site_changed, enrolment.activity_changed,
enrolment.holiday_week_changed, enrolment.enrolment_changed, enrolment.booking_confirmed, enrolment.booking_changed,
enrolment.booking_paid, enrolment.booking_cancelled, enrolment.booking_expired.
"""
