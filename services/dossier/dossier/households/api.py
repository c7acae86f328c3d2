"""HTTP: an agent creates a dossier, and records its adults, children and priorities."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.editing import SeenVersion, tagged
from chassis.fields import Day
from chassis.policies import Policy
from chassis.problems import problems
from chassis.reach import Reach
from contracts import dossier as contract
from contracts.dossier import PostalAddress
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris

from dossier.dossiers import Archived
from dossier.households import adults, children, creating, merging, payers, planned, priorities, sharing, splitting
from dossier.households.models import PlannedChange
from dossier.households.rules import Paying
from dossier.households.schemas import (
    ChildTouched,
    Custody,
    CustodyAnswer,
    CustodyTouched,
    Merge,
    MergeAnswer,
    NewAdult,
    NewChild,
    NewDossier,
    OtherDossier,
    PayerChange,
    PlannedAnswer,
    PlannedChangeAnswer,
    Priorities,
    Roles,
    Schoolings,
    Split,
    SplitAnswer,
    Touched,
)
from dossier.households.wishes import Leave, Share
from dossier.households.wishes import Merge as MergeWish
from dossier.households.wishes import Split as SplitWish
from dossier.models import Child, Dossier
from dossier.schemas import ChildAnswer, DossierAnswer

router = APIRouter(tags=["households"])

Agent = Annotated[Reach, Depends(Policy("agent", reach="dossier"))]
GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


def _dossier(dossier: Dossier, response: Response) -> DossierAnswer:
    return DossierAnswer.of(tagged(response, dossier), day_in_paris(clock.now()))


def _child(child: Child, dossier_id: UUID, response: Response) -> ChildAnswer:
    return ChildAnswer.of(tagged(response, child), dossier_id)


def _custody(child: Child, response: Response) -> contract.Custody | None:
    said = tagged(response, child).custody
    return contract.Custody.model_validate(said) if said else None


def _planned(change: PlannedChange | None) -> PlannedAnswer | None:
    return PlannedAnswer.model_validate(change) if change else None


@router.post("/dossiers", status_code=201)
@problems(creating.NumberTaken, creating.DossierKnown, children.ChildKnown)
async def create_dossier(_agent: Agent, session: Session, body: NewDossier, response: Response) -> DossierAnswer:
    created = await creating.create(
        session,
        body.number,
        PostalAddress(**body.address.model_dump()),
        [one.model_dump() for one in body.adults],
        [one.model_dump() for one in body.children],
        body.override_reason,
    )
    return _dossier(created, response)


@router.post("/dossiers/{dossier_id}/adults", status_code=201)
@problems(Archived, adults.AdultKnown)
async def add_adult(
    dossier_id: UUID, reach: Agent, session: Session, body: NewAdult, response: Response
) -> DossierAnswer:
    return _dossier(await adults.add(session, reach, dossier_id, body.model_dump()), response)


@router.put("/dossiers/{dossier_id}/adults/{adult_id}")
@problems(Archived, adults.AdultNeeded)
async def change_roles(
    dossier_id: UUID,
    adult_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: Roles,
    response: Response,
) -> DossierAnswer:
    """Whoever is no legal guardian any more loses their access."""
    changed = await adults.change_roles(session, reach, seen, dossier_id, adult_id, body.roles)
    return _dossier(changed, response)


@router.delete("/dossiers/{dossier_id}/adults/{adult_id}", status_code=204)
@problems(Archived, adults.AdultNeeded)
async def remove_adult(dossier_id: UUID, adult_id: UUID, reach: Agent, session: Session) -> Response:
    """A guardian who is removed loses their access."""
    await adults.remove(session, reach, dossier_id, adult_id)
    return Response(status_code=204)


@router.post("/dossiers/{dossier_id}/children", status_code=201)
@problems(Archived, children.ChildKnown)
async def add_child(
    dossier_id: UUID, reach: Agent, session: Session, body: NewChild, response: Response
) -> ChildAnswer:
    return _child(await children.add(session, reach, dossier_id, body.model_dump()), dossier_id, response)


@router.put("/children/{child_id}/schooling")
@problems(Archived)
async def change_schooling(
    child_id: UUID, reach: Agent, session: Session, seen: SeenVersion, body: Schoolings, response: Response
) -> ChildAnswer:
    acting, schooling = reach.acting(body.dossier_id), [one.model_dump() for one in body.schooling]
    changed = await children.change_schooling(session, acting, seen, child_id, schooling)
    return _child(changed, acting.dossier_id, response)


@router.put("/dossiers/{dossier_id}/priorities")
@problems(Archived)
async def certify_priorities(
    dossier_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: Priorities,
    response: Response,
    preview: bool = False,
) -> Touched:
    certified = await priorities.certify(session, reach, seen, dossier_id, body.priorities, preview=preview)
    dossier, touches = certified
    return Touched(touches=touches, dossier=_dossier(dossier, response))


@router.post("/children/{child_id}/dossiers")
@problems(Archived, children.ChildKnown, sharing.TwoDossiers)
async def share_child(
    child_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: OtherDossier,
    response: Response,
    preview: bool = False,
) -> ChildTouched:
    """In split custody a child has two dossiers; one that moves `leaves` another. The version is the child's."""
    wish = Share(child_id=child_id, dossier_id=body.dossier_id, other_id=body.leaves)
    done = await planned.change(session, reach, seen, sharing.share, wish, body.since, preview=preview)
    child, touches, kept = done
    return ChildTouched(touches=touches, planned=_planned(kept), child=_child(child, body.dossier_id, response))


@router.delete("/children/{child_id}/dossiers/{dossier_id}")
@problems(Archived, sharing.LastDossier)
async def unshare_child(
    child_id: UUID,
    dossier_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    response: Response,
    since: Annotated[Day | None, Query(alias="from")] = None,
    preview: bool = False,
) -> ChildTouched:
    """The child leaves that dossier, and stays in the other. The version is the child's."""
    wish = Leave(child_id=child_id, dossier_id=dossier_id)
    child, touches, kept = await planned.change(session, reach, seen, sharing.leave, wish, since, preview=preview)
    return ChildTouched(touches=touches, planned=_planned(kept), child=_child(child, dossier_id, response))


@router.get("/children/{child_id}/custody")
async def read_custody(
    child_id: UUID, reach: GuardianOrAgent, session: Session, response: Response, dossier_id: UUID | None = None
) -> CustodyAnswer:
    """Whose the child's days are, as the family sees it."""
    acting = reach.acting(dossier_id)
    child, other = await sharing.read(session, acting, child_id)
    told = other if acting.at_desk else None
    custody = _custody(child, response)
    return CustodyAnswer.of(custody, acting.dossier_id, shared=other is not None, other_dossier_id=told)


@router.put("/children/{child_id}/custody")
@problems(sharing.NotShared)
async def give_custody(
    child_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: Custody,
    response: Response,
    preview: bool = False,
) -> CustodyTouched:
    acting = reach.acting(body.dossier_id)
    child, shared, touches = await sharing.give_custody(
        session,
        acting,
        seen,
        child_id,
        [(one.valid_from, one.days) for one in body.patterns],
        [(one.first_day, one.last_day, one.whose) for one in body.exceptions],
        preview=preview,
    )
    return CustodyTouched.of(_custody(child, response), acting.dossier_id, shared=shared, touches=touches)


@router.post("/dossiers/{dossier_id}/payer")
@problems(Archived)
async def change_payer(
    dossier_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: PayerChange,
    response: Response,
    preview: bool = False,
) -> Touched:
    """From a day on; `preview` only says what that comes to."""
    change, today = Paying(body.valid_from, body.adult_id), day_in_paris(clock.now())
    dossier, touches = await payers.hand_over(session, reach, seen, dossier_id, change, today, preview=preview)
    return Touched(touches=touches, dossier=_dossier(dossier, response))


@router.post("/dossiers/{dossier_id}/split")
@problems(Archived, adults.AdultNeeded, sharing.TwoDossiers)
async def split_dossier(
    dossier_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: Split,
    response: Response,
    preview: bool = False,
) -> SplitAnswer:
    """Adults of the dossier have one of their own, with children that move there or are shared by both."""
    wish = SplitWish(
        dossier_id=dossier_id,
        adults=tuple(body.adults),
        shared={one.child_id: one.shared for one in body.children},
        address=PostalAddress(**body.address.model_dump()) if body.address else None,
    )
    done = await planned.change(session, reach, seen, splitting.split, wish, body.since, preview=preview)
    (dossier, created), touches, kept = done
    today = day_in_paris(clock.now())
    return SplitAnswer(
        touches=touches,
        planned=_planned(kept),
        created=DossierAnswer.of(created, today) if created else None,
        dossier=_dossier(dossier, response),
    )


@router.post("/dossiers/{dossier_id}/merge")
@problems(Archived)
async def merge_dossier(
    dossier_id: UUID,
    reach: Agent,
    session: Session,
    seen: SeenVersion,
    body: Merge,
    response: Response,
    preview: bool = False,
) -> MergeAnswer:
    """The dossier is archived, and all that was its family's is in the one that is kept."""
    wish, reason = MergeWish(dossier_id=dossier_id, other_id=body.into), body.reason
    (gone, into), touches, kept = await planned.change(
        session, reach, seen, merging.merge, wish, body.since, preview=preview, reason=reason
    )
    return MergeAnswer(
        touches=touches,
        planned=_planned(kept),
        into=DossierAnswer.of(into, day_in_paris(clock.now())),
        dossier=_dossier(gone, response),
    )


@router.get("/dossiers/{dossier_id}/planned-changes")
async def list_planned_changes(
    dossier_id: UUID, reach: Agent, session: Session, paging: Paged
) -> Page[PlannedChangeAnswer]:
    """What is kept for a later day, and what could not be done on its own, until it is withdrawn."""
    found = await planned.of_dossier(session, reach, dossier_id, paging.limit + 1, paging.cursor)
    return paging.page(found, lambda one: PlannedChangeAnswer.of(*one), lambda one: one[0].id)


@router.delete("/planned-changes/{planned_change_id}", status_code=204)
async def withdraw_planned_change(planned_change_id: UUID, reach: Agent, session: Session) -> Response:
    await planned.withdraw(session, reach, planned_change_id)
    return Response(status_code=204)
