"""A family that is erased: its accounts are closed, and what was asked in its name by anybody is gone."""

import pytest
from chassis.identifiers import named_id
from contracts.dossier import DossierErased
from contracts.identity import AccountClosed
from sqlalchemy import text

from services.identity.tests.portal import MARTIN, Portal, moreau, notice, session_of
from services.identity.tests.test_identity_dossier_requests import ask

DOSSIER = named_id("dossier", "100042")
TABLES = ("accounts", "dossiers", "claims", "link_requests", "dossier_requests", "notices", "messages", "idempotency")


async def naming(portal: Portal) -> set[str]:
    """The tables that name Claire Moreau."""
    async with portal.database.sessions() as session:
        return {
            table
            for table in TABLES
            if await session.scalar(text(f"SELECT EXISTS (SELECT FROM {table} one WHERE one::text ILIKE '%moreau%')"))
        }


@pytest.mark.parametrize("late", [False, True], ids=["heard", "heard, and told again of what was before"])
async def test_nothing_names_it_any_more(portal: Portal, late: bool) -> None:
    await portal.register()
    await portal.activate(await portal.link())
    tokens = (await portal.sign_in())[1]
    await portal.claim()
    asked = {"last_name": "Moreau", "first_name": "Claire", "email": "Claire.Moreau@example.org"}
    assert await portal.post("/link-requests", **asked, dossier_number="100 042") == (202, {})
    assert (await ask(portal, email="claire.moreau@example.org"))[0] == 202
    told = notice(dossier_id=DOSSIER)
    await portal.hear(told)
    assert await naming(portal) >= {"accounts", "dossiers", "claims", "link_requests", "dossier_requests", "notices"}

    for _ in range(2):
        await portal.hear(DossierErased(dossier_id=DOSSIER, version=9))
    if late:
        await portal.hear(moreau(version=2))
        await portal.hear(notice(dossier_id=DOSSIER))
    assert await naming(portal) == set()
    assert [type(one) for one in await portal.published()].count(AccountClosed) == 1
    assert await portal.revoked() == [session_of(tokens)]
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    assert (await portal.sign_in())[0] == 401
    assert (await portal.claim())[0] == 404
    assert (await portal.sign_in(**MARTIN))[0] == 201


async def test_each_account_of_a_couple_is_closed(portal: Portal) -> None:
    async with portal.database.sessions.begin() as session:
        await session.execute(
            text("UPDATE accounts SET dossier_id = :of WHERE username IN ('martin', 'diallo')"), {"of": DOSSIER}
        )
    tokens = [(await portal.sign_in(**MARTIN | {"login": login}))[1] for login in ("martin", "diallo")]
    await portal.hear(DossierErased(dossier_id=DOSSIER, version=9))
    assert [type(one) for one in await portal.published()].count(AccountClosed) == 2
    assert set(await portal.revoked()) == {session_of(one) for one in tokens}
    for login in ("martin", "diallo"):
        assert (await portal.sign_in(**MARTIN | {"login": login}))[0] == 401
