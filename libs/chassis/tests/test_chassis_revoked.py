"""Access that is revoked: a token that was good is taken no more, as soon as that is heard, and others still are."""

import asyncio
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from chassis import clock, inbox, law, revoked
from chassis.database import Database
from chassis.schema import KEEP_REVOKED
from chassis.testing import ISSUER, Signer, shifted_clock
from chassis.tokens import Keys, Unauthenticated, Verifier
from contracts.identity import AccessRevoked

from libs.chassis.tests.queues import body
from libs.chassis.tests.toy.toy.main import Base
from libs.chassis.tests.waiting import until

HANDLERS: inbox.Handlers = {AccessRevoked: revoked.keep_revoked}


async def hear(database: Database, *ids: object) -> None:
    """All at once, each told twice."""
    told = [body(AccessRevoked.model_validate({"access_id": one, "version": 1})) for one in ids for _ in range(2)]
    assert set(await inbox.judge(database, told, HANDLERS)) == {"done"}


async def test_a_token_is_refused_once_its_session_or_its_program_is_revoked_and_no_other(
    database: Database, signer: Signer, clock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.database.LOOK_EVERY_S", 0.01)
    keys = Keys("http://127.0.0.1:9")
    keys.set = signer.keys
    verifier = Verifier(keys, ISSUER)
    account, session, program = uuid4(), uuid4(), uuid4()
    ended = signer.token("guardian", sub=account, sid=session)
    living = signer.token("guardian", sub=account, sid=uuid4())
    removed, other = signer.token("integrator", sub=program), signer.token("integrator")
    for token in (ended, living, removed, other):  # verified, then known
        await verifier.caller(token)
    following = asyncio.create_task(database.announce(partial(revoked.look, verifier)))
    await hear(database, session, program)
    await until(lambda: verifier.revoked == {session, program})
    for token in (ended, removed):
        with pytest.raises(Unauthenticated):
            await verifier.caller(token)
    for token in (living, other):
        await verifier.caller(token)
    # It is forgotten when no such token can live any more.
    with shifted_clock(clock_file, KEEP_REVOKED.total_seconds() + 1):
        async with database.sessions.begin() as opened:
            await law.forget(opened, Base.metadata, clock.now())
        await until(lambda: verifier.revoked == set())
        with pytest.raises(Unauthenticated):
            await verifier.caller(ended)
    following.cancel()
