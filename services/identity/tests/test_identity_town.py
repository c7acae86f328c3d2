"""What is loaded from the town's file, and that migrations and models agree."""

from typing import Any

import pytest
from chassis.command import load
from chassis.identifiers import named_id
from chassis.settings import read
from chassis.states import IllegalMove
from chassis.testing import Databases
from contracts.identity import AccountActivated
from identity.main import SERVICE
from identity.models import Account, AccountStatus
from identity.settings import Settings

from services.identity.tests.portal import Portal


async def test_the_town_brings_its_accounts_and_tells_of_its_guardians(portal: Portal) -> None:
    accounts = await portal.scalars("SELECT username || ' ' || role || ' ' || status FROM accounts ORDER BY username")
    assert accounts == [
        "admin administrator active",
        "agent agent active",
        "animateur site_staff active",
        "diallo guardian active",
        "martin guardian active",
        "regie cashier active",
    ]
    told = await portal.published()
    assert [type(event) for event in told] == [AccountActivated, AccountActivated]
    assert {event.subject for event in told} == {named_id("account", "martin"), named_id("account", "diallo")}
    assert await portal.scalars("SELECT count(*) FROM acceptances") == [4]
    assert await portal.scalars("SELECT name || ' ' || password_policy FROM town") == ["Villeneuve-sur-Bièvre guide"]


async def test_loading_again_adds_nothing(portal: Portal, databases: Databases, town: dict[str, Any]) -> None:
    tables = ("accounts", "acceptances", "clients", "devices", "legal_texts", "town", "outbox")
    query = " UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in tables)
    before = await portal.scalars(query)
    await load(SERVICE, databases.owner_url, town)
    assert await portal.scalars(query) == before


async def test_a_newer_legal_text_is_the_current_one(
    portal: Portal, databases: Databases, town: dict[str, Any]
) -> None:
    newer = town | {"legal": town["legal"] | {"terms": {"version": "2027-01", "title": "T", "text": "Nouveau"}}}
    await load(SERVICE, databases.owner_url, newer)
    async with portal.client.get("/v1/legal/terms") as answer:
        assert await answer.json() == {"version": "2027-01", "title": "T", "text": "Nouveau"}
    status, problem = await portal.register()
    assert (status, problem["errors"][0]["pointer"]) == (422, "/terms_version")
    assert (await portal.register(terms_version="2027-01"))[0] == 202


async def test_the_database_itself_refuses_staff_without_a_second_factor(portal: Portal) -> None:
    for change in (
        "UPDATE accounts SET totp_secret = NULL WHERE username = 'agent'",
        "UPDATE accounts SET pin_hash = NULL WHERE username = 'animateur'",
        "UPDATE accounts SET password_hash = pin_hash WHERE username = 'animateur'",
        "UPDATE accounts SET password_hash = NULL WHERE username = 'martin'",
        "UPDATE accounts SET guardian_id = NULL WHERE username = 'martin'",
    ):
        with pytest.raises(Exception, match="violates check constraint"):
            await portal.scalars(change)


def test_an_account_never_goes_back() -> None:
    account = Account(status=AccountStatus.PENDING, version=0)
    account.move(AccountStatus.ACTIVE)
    for back in (AccountStatus.PENDING, AccountStatus.ACTIVE):
        with pytest.raises(IllegalMove):
            account.move(back)


@pytest.mark.parametrize("key", ["", "secret-words", "{}", "A" * 42, "é" * 43])
def test_a_wrong_secret_is_said_at_start_without_quoting_it(
    key: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.model_dump(exclude={"secret"}).items():
        monkeypatch.setenv(f"IDENTITY_{name.upper()}", str(value))
    monkeypatch.setenv("IDENTITY_SECRET", key)
    with pytest.raises(SystemExit) as stopped:
        read(Settings)
    assert "IDENTITY_SECRET" in str(stopped.value)
    assert key == "" or key not in str(stopped.value)
