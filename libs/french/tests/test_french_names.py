"""How names are compared."""

import pytest
from french.names import name_key


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
