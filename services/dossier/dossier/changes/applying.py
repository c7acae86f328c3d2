"""What a dossier says now of what somebody wishes otherwise, and making it so."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from chassis.problems import Malformed, NotFound
from contracts.dossier import Custody
from french.calendar import birth_date_fault
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.changes.models import ChangeRequest
from dossier.copies import Site
from dossier.households.children import born, refuse_known
from dossier.households.rules import Whose, is_school_year
from dossier.households.sharing import give
from dossier.models import Adult, Child, Dossier, Quotient, Schooling, Town, dossier_children
from dossier.quotient import in_force
from dossier.quotients.recording import Found, put
from dossier.quotients.rules import counts_from, first_day_fault

#: What is a child's own, and so both its families'.
OF_CHILD = ("child_identity", "school", "custody")


def present(
    dossier: Dossier, kind: str, subject_id: UUID | None, new: dict[str, Any], today: date
) -> dict[str, Any] | None:
    """What stands where `new` would; nothing where nothing does. Raises NotFound for somebody of another dossier."""
    found: Any = None
    match kind:
        case "adult_name":
            found = _adult(dossier, subject_id)
        case "child_identity":
            found = _child(dossier, subject_id)
        case "school":
            years = _child(dossier, subject_id).schooling
            found = next((one for one in years if one.school_year == new["school_year"]), None)
        case "custody":
            return _pattern(_child(dossier, subject_id), dossier.id, date.fromisoformat(new["valid_from"]))
        case "address":
            found = dossier.address
        case "quotient":
            found = in_force(dossier.quotient_periods, today)
    if found is None:
        return None
    values = {name: getattr(found, name) for name in new}
    return {name: str(value) if isinstance(value, UUID | date) else value for name, value in values.items()}


async def check(session: AsyncSession, dossier: Dossier, kind: str, new: dict[str, Any], today: date) -> None:
    """Raises Malformed, ChildKnown for what cannot be."""
    faults: dict[str, str] = {}
    if "birth_date" in new and (fault := birth_date_fault(date.fromisoformat(new["birth_date"]), today)):
        faults["birth_date"] = fault
    if kind == "school":
        known = select(Site.id).where(Site.id == UUID(new["school_id"]), Site.kind == "school")
        if await session.scalar(known) is None:
            faults["school_id"] = "Cette école n'est pas au catalogue."
        if not is_school_year(new["school_year"]):
            faults["school_year"] = "Une année scolaire est attendue, par exemple 2026-2027."
    if faults:
        raise Malformed(errors=[{"pointer": f"/change/{name}", "detail": said} for name, said in faults.items()])
    if kind == "new_child":
        refuse_known(dossier, new["first_name"], date.fromisoformat(new["birth_date"]))


async def lock(session: AsyncSession, dossier: Dossier, request: ChangeRequest) -> None:
    """The rows that `apply` will change, as they are now; the dossier's is locked."""
    if request.kind == "address":
        await children.locked(session, [child.id for child in dossier.children])
    elif request.kind in OF_CHILD and request.subject_id is not None:
        await children.locked(session, [request.subject_id])


async def apply(
    session: AsyncSession,
    dossier: Dossier,
    request: ChangeRequest,
    today: date,
    *,
    first_day: date | None,
    resident: bool | None,
) -> None:
    """Make it so, and tell. A quotient counts from `first_day` on, or from the next month; who lives at an address is
    a resident as the desk says, or by its postcode. Raises Malformed, ChildKnown, NotShared.
    """
    new = request.new
    if request.kind == "custody":
        await _give(session, _child(dossier, request.subject_id), dossier.id, new)
    elif request.kind in OF_CHILD:
        child = _child(dossier, request.subject_id)
        if request.kind == "school":
            _go_to_school(child, new | {"school_id": UUID(new["school_id"])})
        else:
            _set(child, new | {"birth_date": date.fromisoformat(new["birth_date"])})
        await children.changed(session, child)
        await dossiers.judged(session, [dossier.id])
    elif request.kind == "quotient":
        request.counts_from = first_day or counts_from(today)
        if far := first_day_fault(request.counts_from, today):
            raise Malformed(errors=[{"pointer": "/counts_from", "detail": far}])
        put(dossier, Found(new["value"], new["source"], request.counts_from, reason=request.reason), today)
        await dossiers.quotients_changed(session, dossier)
    else:
        if request.kind == "adult_name":
            _set(_adult(dossier, request.subject_id), new)
        elif request.kind == "address":
            _set(dossier, new)
            await _reside(session, dossier, resident)
        else:
            born_on = date.fromisoformat(new["birth_date"])
            await born(session, dossier, new | {"birth_date": born_on, "resident": None, "schooling": []})
        await dossiers.changed(session, dossier)


def _custody(child: Child) -> Custody:
    return Custody.model_validate(child.custody or {"patterns": ()})


def _whose(days: Iterable[UUID], family: UUID) -> list[Whose]:
    return ["own" if one == family else "other" for one in days]


def _pattern(child: Child, family: UUID, day: date) -> dict[str, Any] | None:
    """The one that the day is in, as that family sees it."""
    known = [one for one in _custody(child).patterns if one.valid_from <= day]
    return {"valid_from": str(known[-1].valid_from), "days": _whose(known[-1].days, family)} if known else None


async def _give(session: AsyncSession, child: Child, family: UUID, new: dict[str, Any]) -> None:
    """From its first day on that pattern and none of the later ones; the exceptions stay."""
    first_day, there = date.fromisoformat(new["valid_from"]), _custody(child)
    patterns = [(one.valid_from, _whose(one.days, family)) for one in there.patterns if one.valid_from < first_day]
    exceptions = [(one.first_day, one.last_day, _whose([one.dossier_id], family)[0]) for one in there.exceptions]
    await give(session, child, family, [*patterns, (first_day, new["days"])], exceptions)


def _adult(dossier: Dossier, adult_id: UUID | None) -> Adult:
    """Raises NotFound."""
    for one in dossier.adults:
        if one.id == adult_id:
            return one
    raise NotFound


def _child(dossier: Dossier, child_id: UUID | None) -> Child:
    """Raises NotFound."""
    for one in dossier.children:
        if one.id == child_id:
            return one
    raise NotFound


def _set(row: Adult | Child | Dossier | Schooling | Quotient, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _go_to_school(child: Child, year: dict[str, Any]) -> None:
    for one in child.schooling:
        if one.school_year == year["school_year"]:
            return _set(one, year)
    child.schooling.append(Schooling(**year))
    child.schooling.sort(key=lambda one: one.school_year)  # as they are read later
    return None


async def _reside(session: AsyncSession, dossier: Dossier, resident: bool | None) -> None:
    """A child lives in the town where one of its dossiers does."""
    postcode = await session.scalar(select(Town.postcode))
    here = dossier.postcode == postcode if resident is None else resident
    theirs = dossier_children.c
    elsewhere = (
        select(theirs.child_id)
        .join(Dossier)
        .where(
            theirs.dossier_id != dossier.id,
            theirs.child_id.in_([child.id for child in dossier.children]),
            Dossier.postcode == postcode,
        )
    )
    there = set(await session.scalars(elsewhere))
    for child in sorted(dossier.children, key=lambda one: one.id):
        if child.resident != (here or child.id in there):
            child.resident = not child.resident
            await children.changed(session, child)
