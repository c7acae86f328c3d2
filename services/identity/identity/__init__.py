"""Owns accounts, the claims that tie them to a dossier, sessions and their tokens, and the delivery of notices.

Publishes identity.account_activated, identity.account_closed, identity.access_revoked.
Hears dossier.dossier_changed, enrolment.site_changed, billing.regie_changed, every service's notice_written, and what
it revokes itself.
"""
