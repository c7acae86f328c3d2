"""Which passwords are good enough."""

import pytest
from identity.passwords import COMMONEST, _words, hashed, is_common, matches, refusals


@pytest.mark.parametrize("password", ["Bienvenue!2026", "Étagère?", "tableZ!", "Une phrase, longue"])
def test_the_guides_rule_is_six_characters_an_uppercase_letter_and_a_special_character(password: str) -> None:
    assert refusals(password, "claire", "guide") == []


@pytest.mark.parametrize(
    ("password", "broken"),
    [("Abc!e", 1), ("tables!", 1), ("Tables12", 1), ("Tab les", 1), ("abc", 3), ("ABC", 2)],
)
def test_every_broken_rule_of_the_guide_is_said(password: str, broken: int) -> None:
    assert len(refusals(password, None, "guide")) == broken


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("Papillon!24", "12 caractères"),
        ("papillons!2024", "majuscule"),
        ("PAPILLONS!2024", "minuscule"),
        ("Papillons!deux", "chiffre"),
        ("Papillons2024", "spécial"),
    ],
)
def test_the_cnils_rule_is_twelve_characters_of_four_kinds(password: str, missing: str) -> None:
    (said,) = refusals(password, None, "cnil")
    assert missing in said
    assert refusals("Papillons!2024", None, "cnil") == []


def test_ten_thousand_of_the_commonest_are_known() -> None:
    assert len(_words()) == COMMONEST == 10_000
    assert {"123456", "azerty", "motdepasse", "soleil", "marseille"} <= _words()


@pytest.mark.parametrize(
    "password", ["azerty", "AZERTY123!", "Motdepasse!", "P@ssw0rd1", "Soleil!", "123456", "Azerty@123"]
)
def test_the_commonest_passwords_are_refused_whatever_their_case_and_ending(password: str) -> None:
    assert is_common(password)
    assert any("courant" in said for said in refusals(password, None, "guide"))


@pytest.mark.parametrize("password", ["Bienvenue!2026", "Guichet!2026", "Papillon!24", "correct horse battery"])
def test_an_uncommon_password_is_not_called_common(password: str) -> None:
    assert not is_common(password)


def test_a_password_may_not_hold_the_username_whatever_its_case() -> None:
    assert refusals("!CLAIRE-abc", "Claire", "guide") == ["Le mot de passe ne doit pas contenir le nom d'utilisateur."]


async def test_a_password_matches_its_own_hash_alone() -> None:
    kept = await hashed("Papillon!24")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await matches("Papillon!24", kept)
    assert not await matches("papillon!24", kept)
    assert not await matches("Papillon!24", None)
