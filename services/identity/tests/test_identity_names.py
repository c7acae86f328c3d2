"""How names, emails and usernames are compared."""

import pytest
from identity.names import email_key, name_key, username_key


@pytest.mark.parametrize(
    "names",
    [
        ("Le Goff", "LE-GOFF", "legoff", " le  goff "),
        ("Lefèvre", "LEFEVRE", "lefe\u0300vre"),
        ("D'Almeida", "d’almeida", "Dalmeida"),
        ("Cœur", "COEUR"),
        ("Weiß", "WEISS"),
    ],
)
def test_a_name_is_its_letters_alone(names: tuple[str, ...]) -> None:
    assert len({name_key(name) for name in names}) == 1


def test_different_names_stay_different() -> None:
    assert name_key("Moreau") != name_key("Morel")
    assert name_key("-' ") == ""


def test_emails_and_usernames_are_compared_without_case() -> None:
    assert email_key(" Claire@Example.ORG ") == email_key("claire@example.org")
    assert username_key("Élise") == username_key("ÉLISE") == username_key("E\u0301lise")
