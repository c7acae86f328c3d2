"""What services tell the desk waits there until somebody has dealt with it."""

import asyncio

import pytest
from chassis.identifiers import named_id, new_id

from services.identity.tests.portal import MARTIN, Portal, notice

PATH = "/desk-notices"
ABOUT = named_id("dossier", "100001")


@pytest.fixture
async def agent(portal: Portal) -> str:
    return str((await portal.sign_in_staff())[1]["access_token"])


async def test_what_the_desk_is_told_waits_until_somebody_has_dealt_with_it(portal: Portal, agent: str) -> None:
    told = notice(desk=True, dossier_id=ABOUT)
    for event in (told, told, notice()):
        await portal.hear(event)
    _, page = await portal.get(PATH, agent)
    (waiting,) = page["items"]
    assert await portal.get(f"{PATH}/{waiting['id']}", agent) == (200, waiting)
    assert (waiting["title"], waiting["paragraphs"]) == (told.title, list(told.paragraphs))
    assert (waiting["dossier_id"], waiting["done_at"]) == (str(ABOUT), None)
    twice = [portal.send("POST", f"{PATH}/{waiting['id']}/done", bearer=agent) for _ in range(2)]
    (status, done), (again, same) = await asyncio.gather(*twice)
    assert (status, again, done) == (200, 200, same)
    assert done["done_at"] is not None
    assert done["done_by_name"]
    assert (await portal.get(PATH, agent))[1]["items"] == []
    assert (await portal.get(f"{PATH}?status=done", agent))[1]["items"] == [done]


async def test_the_first_told_comes_first_by_pages(portal: Portal, agent: str) -> None:
    for _ in range(3):
        await portal.hear(notice(desk=True))
    _, first = await portal.get(f"{PATH}?limit=2", agent)
    _, second = await portal.get(f"{PATH}?limit=2&cursor={first['next_cursor']}", agent)
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids)
    assert (len(ids), second["next_cursor"]) == (3, None)


async def test_it_is_the_desks_alone_and_goes_to_no_family(portal: Portal, agent: str) -> None:
    await portal.hear(notice(desk=True, dossier_id=ABOUT))
    assert [mail["To"] for mail in await portal.mails()] == ["guichet@example.org"]
    token = str((await portal.sign_in(**MARTIN))[1]["access_token"])
    assert (await portal.get(PATH, token))[0] == 403
    assert (await portal.get("/messages", token))[1]["items"] == []
    assert (await portal.send("POST", f"{PATH}/{new_id()}/done", bearer=token))[0] == 403
    assert (await portal.send("POST", f"{PATH}/{new_id()}/done", bearer=agent))[0] == 404
    assert (await portal.get(f"{PATH}/{new_id()}", agent))[0] == 404
