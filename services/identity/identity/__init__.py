"""Owns accounts, the claims that tie them to a dossier, sessions and their tokens, and the delivery of notices.

Publishes identity.account_activated, identity.account_closed.
Hears dossier.dossier_changed, enrolment.site_changed, billing.regie_changed, and every service's notice_written.
"""
