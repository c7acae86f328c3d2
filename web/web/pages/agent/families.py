"""The families that the desk's lists speak of: their numbers and names, asked for of many at once."""

from typing import TypeVar

from web.answers import Page
from web.answers.dossier import FoundDossier, OfFamily
from web.refusals import Refused
from web.visits import Visit

T = TypeVar("T", bound=OfFamily)
API = "/dossier/v1/dossiers"
#: As many as an address holds.
AT_ONCE = 100


async def named(visit: Visit, items: list[T]) -> list[T]:
    """Each with its `dossier`; without, where that is erased or cannot be asked for: the list is there all the same."""
    ids = sorted({one.dossier_id for one in items if one.dossier_id})
    known: dict[str, FoundDossier] = {}
    try:
        for start in range(0, len(ids), AT_ONCE):
            page = await visit.api.get(Page[FoundDossier], API, ids=ids[start : start + AT_ONCE])
            known |= {one.id: one for one in page.items}
    except Refused as refused:
        if refused.status < 500:
            raise
    return [one.model_copy(update={"dossier": known.get(one.dossier_id or "")}) for one in items]


async def numbered(visit: Visit, number: str) -> FoundDossier | None:
    """The dossier of that number; of what cannot be one there is none."""
    try:
        found = await visit.api.get(Page[FoundDossier], API, q=number, limit=1)
    except Refused as refused:
        if refused.status != 422:
            raise
        return None
    return next((one for one in found.items if one.number == number), None)
