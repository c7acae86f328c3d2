"""How emails and usernames are compared."""

from identity.names import email_key, username_key


def test_emails_and_usernames_are_compared_without_case() -> None:
    assert email_key(" Claire@Example.ORG ") == email_key("claire@example.org")
    assert username_key("Élise") == username_key("ÉLISE") == username_key("E\u0301lise")
