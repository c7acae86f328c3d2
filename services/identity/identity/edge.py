"""What the endpoints take: transactions of their own, the settings, the client's address, who is signed in."""

from typing import Annotated, Any

from chassis import clock
from chassis.database import Database, Session
from chassis.listening import client_address
from chassis.policies import Policy
from chassis.reach import Reach
from fastapi import Depends, Request

from identity.sessions import lines
from identity.settings import Settings
from identity.throttling import rules


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _client(request: Request) -> str:
    return rules.source(client_address(request))


#: For what opens transactions of its own, where a refusal must leave a trace or none may wait for a password's hash.
OwnTransactions = Annotated[Database, Depends(_database)]
Configured = Annotated[Settings, Depends(_settings)]
Address = Annotated[str, Depends(_client)]


def _signed_in(policy: Policy) -> Any:
    """The caller whom the policy allows, if their session still lives: elsewhere its end is known ten minutes later."""

    async def living(caller: Annotated[Reach, Depends(policy)], session: Session) -> Reach:
        await lines.refuse_ended(session, caller, clock.now())
        return caller

    return Depends(living)


Someone = Annotated[
    Reach, _signed_in(Policy("guardian", "agent", "cashier", "administrator", "site_staff", reach="account"))
]
Agent = Annotated[Reach, _signed_in(Policy("agent", "administrator", reach="town"))]
