"""What a line of a file says of a family's quotient."""

from collections.abc import Sequence
from datetime import date

from chassis.problems import in_french
from pydantic import ValidationError

from dossier.imports.columns import QUOTIENT, SOURCES
from dossier.imports.families import Fault, Refused, day, row, word
from dossier.quotients.recording import Found, fault
from dossier.quotients.schemas import NewQuotient

_COLUMNS = {field: column for column, field in QUOTIENT.items()} | {"valid_to": "quotient_fin"}


def read(columns: Sequence[str], cells: Sequence[str], today: date) -> Found:
    """Raises Refused."""
    said = {QUOTIENT[column]: cell for column, cell in row(columns, cells).items()}
    said.pop("number", None)
    for field in ("counts_from", "valid_to"):
        if field in said:
            said[field] = day(said[field])
    said["source"] = word("quotient_source", said.get("source", "caf"), SOURCES)
    try:
        new = NewQuotient.model_validate(said)
    except ValidationError as error:
        raise Refused(*(Fault(_COLUMNS[str(one["loc"][0])], in_french(one)) for one in error.errors())) from None
    found = Found(new.value, new.source, new.counts_from, new.valid_to, new.reason)
    if wrong := fault(found, today):
        raise Refused(Fault(_COLUMNS[wrong[0]], wrong[1]))
    return found
