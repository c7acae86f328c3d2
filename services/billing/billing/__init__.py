"""Owns prices, quotes, invoices with their numbers, the ledger of every euro, and payments at PayFiP.

Publishes regie_changed, invoice_opened, invoice_settled, invoice_lapsed, invoice_cancelled, invoice_refused,
credit_granted and notice_written.
Hears dossiers, children and quotients from dossier; activities, holiday weeks and bookings from enrolment; reserved
days from planning; revoked access from identity.
"""
