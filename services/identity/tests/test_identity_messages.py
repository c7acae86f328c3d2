"""The portal's own inbox, and which mails an account goes without."""

from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts import planning

from services.identity.tests.portal import MARTIN, Portal, notice, pointers

PATH = "/messages"


async def token_of(portal: Portal, **login: str) -> str:
    return str((await portal.sign_in(**(login or MARTIN)))[1]["access_token"])


async def listed(portal: Portal, token: str, query: str = "") -> dict[str, Any]:
    status, inbox = await portal.get(f"{PATH}{query}", token)
    assert status == 200
    return inbox


async def test_a_familys_notice_is_also_a_message_kept_after_its_mail(portal: Portal) -> None:
    told = notice()
    await portal.hear(told)
    await portal.hear(told)
    assert len(await portal.mails()) == 1
    inbox = await listed(portal, await token_of(portal))
    (message,) = inbox["items"]
    assert inbox["unread"] == 1
    assert (message["title"], message["paragraphs"]) == (told.title, list(told.paragraphs))
    assert (message["link"], message["read_at"]) == ("/factures/1", None)


async def test_messages_come_newest_first_by_pages_and_are_read_once(portal: Portal) -> None:
    for _ in range(3):
        await portal.hear(notice())
    token = await token_of(portal)
    first = await listed(portal, token, "?limit=2")
    second = await listed(portal, token, f"?limit=2&cursor={first['next_cursor']}")
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    assert second["next_cursor"] is None
    status, read = await portal.send("POST", f"{PATH}/{ids[0]}/read", bearer=token)
    assert status == 200
    portal.later(minutes=1)
    assert await portal.send("POST", f"{PATH}/{ids[0]}/read", bearer=token) == (200, read)
    assert (await listed(portal, token))["unread"] == 2


async def test_somebody_elses_message_is_none(portal: Portal) -> None:
    await portal.hear(notice())
    (message,) = (await listed(portal, await token_of(portal)))["items"]
    stranger = await token_of(portal, login="diallo", password=MARTIN["password"])
    assert (await listed(portal, stranger))["items"] == []
    assert (await portal.send("POST", f"{PATH}/{message['id']}/read", bearer=stranger))[0] == 404
    assert (await portal.send("POST", f"{PATH}/{new_id()}/read", bearer=stranger))[0] == 404
    assert await portal.scalars("SELECT read_at FROM messages") == [None]


async def test_what_is_told_of_the_accounts_security_is_a_message_and_links_with_secrets_never(portal: Portal) -> None:
    await portal.register()
    await portal.activate(await portal.link())
    await portal.post("/password-resets", email="claire.moreau@example.org")
    secret = await portal.link("mot-de-passe")
    assert (await portal.put(f"/password-resets/{secret}", new_password="Coquelicot!27"))[0] == 204
    inbox = await listed(portal, await token_of(portal, login="cmoreau", password="Coquelicot!27"))
    assert [one["title"] for one in inbox["items"]] == ["Votre mot de passe a été changé"]


async def test_mails_that_are_not_wanted_are_messages_alone(portal: Portal) -> None:
    token = await token_of(portal)
    status, chosen = await portal.send("PUT", "/me/preferences", bearer=token, unwanted=["planning", "dossier"])
    assert status == 200
    assert (await portal.get("/me/preferences", token))[1] == chosen
    assert [one["category"] for one in chosen["mails"] if not one["wanted"]] == ["planning", "dossier"]
    of_planning = planning.NoticeWritten.model_validate(notice().model_dump())
    await portal.hear(of_planning)
    await portal.hear(bill := notice())
    assert [mail["Subject"] for mail in await portal.mails()] == [bill.title]
    assert await portal.scalars("SELECT status FROM notices") == ["sent"], "nor is it a letter"
    assert (await listed(portal, token))["unread"] == 2
    assert (await portal.send("PUT", "/me/preferences", bearer=token, unwanted=[]))[0] == 200
    await portal.hear(of_planning.model_copy(update={"notice_id": new_id()}))
    assert len(await portal.mails()) == 2


@pytest.mark.parametrize("category", ["account", "billing"])
async def test_mails_of_security_and_money_are_always_sent_and_it_is_said_why(portal: Portal, category: str) -> None:
    token = await token_of(portal)
    status, problem = await portal.send("PUT", "/me/preferences", bearer=token, unwanted=["planning", category])
    assert (status, pointers(problem)) == (422, ["/unwanted/1"])
    assert "toujours envoyés" in problem["errors"][0]["detail"]
    mails = {one["category"]: one for one in (await portal.get("/me/preferences", token))[1]["mails"]}
    assert mails[category]["always"]
    assert mails["planning"] == mails["planning"] | {"wanted": True, "always": None}


async def test_a_closed_account_leaves_no_message(portal: Portal) -> None:
    await portal.hear(notice(account_id=named_id("account", "diallo")))
    token = await token_of(portal, login="diallo", password=MARTIN["password"])
    await portal.send("PUT", "/me/preferences", bearer=token, unwanted=["planning"])
    assert (await portal.send("DELETE", "/me", bearer=token, password=MARTIN["password"]))[0] == 204
    assert await portal.scalars("SELECT id FROM messages UNION ALL SELECT account_id FROM unwanted_mails") == []
