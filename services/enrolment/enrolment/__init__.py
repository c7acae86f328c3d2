"""Owns sites, activities, school years with their règlement, holiday weeks with their places, bookings,
and waiting lists.

Publishes site_changed, activity_changed, holiday_week_changed, booking_confirmed, booking_changed, booking_paid,
booking_cancelled, booking_expired and notice_written; hears dossiers and children from dossier, régies, invoices
(also those refused) and credits from billing, revoked access from identity.
"""
