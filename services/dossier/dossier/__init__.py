"""Owns the families' dossiers: adults, children, quotients.

Publishes dossier.dossier_changed, dossier.child_changed, dossier.quotient_changed.
Hears identity.account_activated, enrolment.site_changed.
"""
