"""HTTP: what families change of their dossier."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.editing import SeenVersion, etag
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Response
from french.paris import day_in_paris

from dossier import children
from dossier.changes import certifying, contacts, persons, preferences, requests
from dossier.changes.models import ChangeStatus
from dossier.changes.schemas import (
    ChangeAsked,
    ChangeRequestAnswer,
    ChildChange,
    ContactsChange,
    DecisionTaken,
    Persons,
)
from dossier.dossiers import Archived
from dossier.households.children import ChildKnown
from dossier.households.sharing import NotShared
from dossier.models import Child, Dossier
from dossier.schemas import ChildAnswer, DossierAnswer, PersonsAnswer

router = APIRouter(tags=["dossiers"])

Agent = Annotated[Reach, Depends(Policy("agent", reach="town"))]
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


def _dossier(dossier: Dossier, response: Response) -> DossierAnswer:
    response.headers["ETag"] = etag(dossier.version)
    return DossierAnswer.of(dossier, day_in_paris(clock.now()))


def _child(child: Child, dossier_id: UUID, response: Response) -> ChildAnswer:
    response.headers["ETag"] = etag(child.version)
    return ChildAnswer.of(child, dossier_id)


def _persons(child: Child, dossier_id: UUID, response: Response) -> PersonsAnswer:
    response.headers["ETag"] = etag(child.version)
    return PersonsAnswer.model_validate(PersonsAnswer.parts(child.persons, dossier_id))


@router.patch("/dossiers/{dossier_id}/contacts")
@problems(contacts.EmailOfAccount, Archived)
async def change_contacts(
    dossier_id: UUID,
    body: ContactsChange,
    reach: FamilyOrDesk,
    seen: SeenVersion,
    session: Session,
    response: Response,
) -> DossierAnswer:
    """How the adults are reached, and who else may be called."""
    changed = await contacts.edit(session, reach, dossier_id, seen, body.changes(), body.people())
    return _dossier(changed, response)


@router.post("/dossiers/{dossier_id}/certification")
@problems(Archived)
async def certify(dossier_id: UUID, reach: FamilyOrDesk, session: Session, response: Response) -> DossierAnswer:
    """« Tout est exact », for the present school year."""
    return _dossier(await certifying.certify(session, reach, dossier_id, clock.now()), response)


@router.get("/children/{child_id}")
async def one_child(
    child_id: UUID, reach: FamilyOrDesk, session: Session, response: Response, dossier_id: UUID | None = None
) -> ChildAnswer:
    acting = reach.acting(dossier_id)
    return _child(await children.find(session, acting, child_id), acting.dossier_id, response)


@router.patch("/children/{child_id}")
@problems(Archived)
async def change_child(
    child_id: UUID, body: ChildChange, reach: FamilyOrDesk, seen: SeenVersion, session: Session, response: Response
) -> ChildAnswer:
    """Its menu, and what its guardians consent to."""
    acting = reach.acting(body.dossier_id)
    changed = await preferences.prefer(session, acting, seen, child_id, body.menu, body.answers(), clock.now())
    return _child(changed, acting.dossier_id, response)


@router.get("/children/{child_id}/authorised-persons")
async def authorised_persons(
    child_id: UUID, reach: FamilyOrDesk, session: Session, response: Response, dossier_id: UUID | None = None
) -> PersonsAnswer:
    """Who may pick the child up, and who may not."""
    acting = reach.acting(dossier_id)
    return _persons(await children.find(session, acting, child_id), acting.dossier_id, response)


@router.put("/children/{child_id}/authorised-persons")
@problems(persons.PersonForbidden)
async def record_persons(
    child_id: UUID, body: Persons, reach: FamilyOrDesk, seen: SeenVersion, session: Session, response: Response
) -> PersonsAnswer:
    """Those whom this dossier authorises; an agent also records whom a court forbids."""
    acting = reach.acting(body.dossier_id)
    child = await persons.record(session, acting, seen, child_id, body.authorised(), body.forbidden(), clock.now())
    return _persons(child, acting.dossier_id, response)


@router.post("/dossiers/{dossier_id}/change-requests", status_code=201)
@problems(Archived, requests.AlreadyAsked, ChildKnown)
async def ask_change(dossier_id: UUID, body: ChangeAsked, reach: FamilyOrDesk, session: Session) -> ChangeRequestAnswer:
    """Ask that something be changed which an agent decides; the same request twice waits once."""
    asked = await requests.ask(session, reach, dossier_id, body.change, body.document_ids, body.comment, clock.now())
    return ChangeRequestAnswer.model_validate(asked)


@router.get("/change-requests")
@problems(NotFound)
async def list_changes(
    reach: FamilyOrDesk,
    session: Session,
    paging: Paged,
    status: ChangeStatus | None = None,
    dossier_id: UUID | None = None,
) -> Page[ChangeRequestAnswer]:
    """The desk's, oldest first; a family's own, the newest first."""
    found = await requests.listed(session, reach, status, dossier_id, paging.limit + 1, paging.cursor)
    return paging.page(found, ChangeRequestAnswer.model_validate, lambda one: one.id)


@router.get("/change-requests/{change_request_id}")
async def read_change(change_request_id: UUID, reach: FamilyOrDesk, session: Session) -> ChangeRequestAnswer:
    return ChangeRequestAnswer.model_validate(await requests.read(session, reach, change_request_id))


@router.delete("/change-requests/{change_request_id}")
@problems(Archived, requests.AlreadyDecided)
async def withdraw_change(change_request_id: UUID, reach: FamilyOrDesk, session: Session) -> ChangeRequestAnswer:
    """The family gives it up."""
    return ChangeRequestAnswer.model_validate(await requests.withdraw(session, reach, change_request_id))


@router.post("/change-requests/{change_request_id}/decision")
@problems(Archived, requests.AlreadyDecided, requests.Outdated, ChildKnown, NotShared)
async def decide_change(
    change_request_id: UUID, body: DecisionTaken, agent: Agent, session: Session
) -> ChangeRequestAnswer:
    """Accepted, it is so from now on; the family is told in either case."""
    decided = await requests.decide(session, agent, change_request_id, body.decision_taken(), clock.now())
    return ChangeRequestAnswer.model_validate(decided)
