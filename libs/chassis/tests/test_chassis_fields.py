"""What a telephone's number may look like, and how it is kept; what a text of some shape is told."""

from typing import Annotated

import pytest
from chassis.fields import Phone, Shape
from pydantic import TypeAdapter, ValidationError


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("06 12 34 56 78", "0612345678"),
        ("01.99.00.12.34", "0199001234"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("06-12-34-56-78", "0612345678"),
    ],
)
def test_a_telephone_is_kept_without_what_spaces_it(typed: str, kept: str) -> None:
    assert TypeAdapter(Phone).validate_python(typed) == kept


@pytest.mark.parametrize("typed", ["", "6 12 34 56 78", "0612", "06123456789", "+0612345678", "06 12 34 56 7x", "\n"])
def test_what_cannot_be_called_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Phone).validate_python(typed)


def test_a_text_of_another_shape_is_told_its_own_sentence_and_the_document_its_pattern() -> None:
    pin: TypeAdapter[str] = TypeAdapter(Annotated[str, Shape("^[0-9]{4}$", "Quatre chiffres sont attendus.")])
    assert pin.validate_python("2026") == "2026"
    assert pin.json_schema() == {"type": "string", "pattern": "^[0-9]{4}$"}
    for wrong in ("12", "2026\n", "٢٠٢٦"):
        with pytest.raises(ValidationError, match="Quatre chiffres sont attendus"):
            pin.validate_python(wrong)
