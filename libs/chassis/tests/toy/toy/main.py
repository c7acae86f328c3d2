"""The toy service: two endpoints with an idempotency key, one that breaks, one event published and heard."""

from typing import Annotated, ClassVar
from uuid import UUID

from chassis.bodies import RequestBody
from chassis.database import TYPES, Session
from chassis.idempotency import OnceOnly
from chassis.identifiers import new_id
from chassis.inbox import Handlers
from chassis.law import impersonal
from chassis.outbox import publish
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from chassis.schema import may, service_metadata
from chassis.service import Service
from chassis.settings import ServiceSettings
from contracts.dossier import Quotient, QuotientChanged
from contracts.notices import NoticeWritten
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TOY_")


class Base(DeclarativeBase):
    metadata = service_metadata("toy")
    type_annotation_map = TYPES


class Thing(Base):
    """Names are unique, which the database looks at no sooner than at the commit."""

    __tablename__ = "things"
    __table_args__ = (
        UniqueConstraint("name", deferrable=True, initially="DEFERRED"),
        may(law=impersonal("as long as the toy")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    size: Mapped[int]


class Heard(Base):
    """One row for each event handled: an effect done twice is seen."""

    __tablename__ = "heard"
    __table_args__ = may("UPDATE", law=impersonal("as long as the toy"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    version: Mapped[int]


class Notice(NoticeWritten):
    type: ClassVar[str] = "toy.notice_written"


class NewThing(RequestBody):
    name: str = Field(min_length=1, max_length=50)
    size: int = 1


class MadeThing(BaseModel):
    id: UUID
    name: str


router = APIRouter()
Guardian = Annotated[Reach, Depends(Policy("guardian", reach="account"))]


async def make(session: AsyncSession, body: NewThing) -> MadeThing:
    thing = Thing(id=new_id(), name=body.name, size=body.size)
    session.add(thing)
    await session.flush()
    await publish(session, quotient_changed(thing.id))
    return MadeThing(id=thing.id, name=thing.name)


@router.post("/things", status_code=201, response_model=MadeThing)
async def post_thing(body: NewThing, caller: Guardian, session: Session, once: OnceOnly) -> Response:
    return await once.answer(session, 201, lambda: make(session, body))


#: The id of every lone thing of size 7.
SEVEN = UUID(int=7)


@router.post("/lone-things", status_code=201, response_model=MadeThing)
@problems(NotFound)
async def post_lone_thing(body: NewThing, caller: Guardian, session: Session, once: OnceOnly) -> Response:
    """There is one of each name; a second is refused after a look, one of size 7 by the database."""

    async def made() -> MadeThing:
        if body.size != 7 and await session.scalar(select(Thing.id).where(Thing.name == body.name)):
            raise NotFound
        thing = Thing(id=SEVEN if body.size == 7 else new_id(), name=body.name, size=body.size)
        session.add(thing)
        try:
            await session.flush()
        except IntegrityError:
            raise NotFound from None
        return MadeThing(id=thing.id, name=thing.name)

    return await once.answer(session, 201, made)


@router.get("/things/{thing_id}")
async def get_thing(thing_id: UUID, caller: Guardian, session: Session) -> MadeThing:
    thing = await session.get(Thing, thing_id)
    if thing is None:
        raise NotFound
    return MadeThing(id=thing.id, name=thing.name)


@router.get("/breakage")
async def get_breakage(caller: Guardian) -> None:
    raise RuntimeError("a secret of ours")


def quotient_changed(dossier_id: UUID | None = None, version: int = 1) -> QuotientChanged:
    """An event that the toy both publishes and hears."""
    return QuotientChanged(dossier_id=dossier_id or new_id(), version=version, quotients=tuple[Quotient, ...]())


async def keep(session: AsyncSession, event: QuotientChanged) -> None:
    session.add(Heard(id=new_id(), dossier_id=event.dossier_id, version=event.version))


HANDLERS: Handlers = {QuotientChanged: keep}
SERVICE = Service("toy", Settings, Base.metadata, (router,), HANDLERS, notice=Notice)
