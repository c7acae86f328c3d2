"""What a town says of its look must be readable."""

import pytest
from pydantic import ValidationError
from web.town import READABLE, WHITE, Look, contrast


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#777777", WHITE) == pytest.approx(4.48, abs=0.01)
    assert contrast(WHITE, WHITE) == 1


@pytest.mark.parametrize("colour", ["#777777", "#f3c07a", "#ffffff"])
def test_a_colour_too_light_to_be_read_is_refused(colour: str) -> None:
    with pytest.raises(ValidationError, match=f"un contraste de {READABLE} est attendu"):
        Look(primary=colour)


def test_a_dark_one_is_taken() -> None:
    assert Look(primary="#5a2a6b").primary == "#5a2a6b"
