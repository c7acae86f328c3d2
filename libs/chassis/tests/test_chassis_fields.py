"""What a telephone's number may look like, and how it is kept."""

import pytest
from chassis.fields import Phone
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
