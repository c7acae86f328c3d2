"""One's own inbox, and which mails one wants, over HTTP."""

from uuid import UUID

from chassis import clock
from chassis.bodies import Paged
from chassis.database import Session
from chassis.problems import NotFound, problems
from fastapi import APIRouter

from identity.messages import inbox, preferences, schemas
from identity.sessions.policies import Someone

router = APIRouter()


@router.get("/messages")
async def messages(caller: Someone, paging: Paged, session: Session) -> schemas.Inbox:
    found = await inbox.newest(session, caller, paging.limit + 1, paging.cursor)
    page = paging.page(found, schemas.Message.model_validate, lambda message: message.id)
    unread = await inbox.unread(session, caller)
    return schemas.Inbox(items=page.items, next_cursor=page.next_cursor, unread=unread)


@router.post("/messages/{message_id}/read")
@problems(NotFound)
async def read_message(caller: Someone, message_id: UUID, session: Session) -> schemas.Message:
    return schemas.Message.model_validate(await inbox.read(session, caller, message_id, clock.now()))


@router.get("/me/preferences")
async def own_preferences(caller: Someone, session: Session) -> schemas.Preferences:
    return schemas.Preferences.without(await preferences.unwanted(session, caller))


@router.put("/me/preferences")
async def choose_preferences(body: schemas.PreferencesChange, caller: Someone, session: Session) -> schemas.Preferences:
    """Whatever is chosen, each notice is a message too."""
    await preferences.choose(session, caller, body.unwanted)
    return schemas.Preferences.without(set(body.unwanted))
