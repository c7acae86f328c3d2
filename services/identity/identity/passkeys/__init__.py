"""Passkeys (WebAuthn): the stronger and easier way in, of families and staff."""
