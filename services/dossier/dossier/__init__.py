"""Owns the families' dossiers: adults, children, quotients, documents, health records.

Publishes dossier.dossier_changed, dossier.child_changed, dossier.quotient_changed, and messages to families.
Hears accounts that are activated or closed, revoked access, sites, and who attends where: enrolments and bookings.
"""
