"""Who cannot prove their dossier asks an agent."""

import asyncio

from services.identity.tests.portal import Portal


async def test_a_link_request_is_kept_for_an_agent(portal: Portal) -> None:
    agent = (await portal.sign_in_staff())[1]["access_token"]
    family = (await portal.sign_in("martin", "Bienvenue!2026"))[1]["access_token"]
    asked = {"last_name": "Moreau", "first_name": "Claire", "email": "claire@new.example.org"}
    assert await portal.post("/link-requests", **asked, dossier_number="100042") == (202, {})
    assert await portal.post("/link-requests", **asked) == (202, {})
    # The same one again waits once.
    assert await portal.post("/link-requests", **asked) == (202, {})
    status, page = await portal.get("/link-requests?limit=1", agent)
    assert (status, len(page["items"]), page["items"][0]["dossier_number"]) == (200, 1, "100042")
    _, rest = await portal.get(f"/link-requests?cursor={page['next_cursor']}", agent)
    assert ([item["dossier_number"] for item in rest["items"]], rest["next_cursor"]) == ([None], None)
    assert (await portal.get("/link-requests", family))[0] == 403


async def test_only_so_many_link_requests_wait(portal: Portal) -> None:
    portal.settings.link_requests_waiting = 3
    asked = {"last_name": "Moreau", "first_name": "Claire", "dossier_number": "100042"}
    answers = await asyncio.gather(
        *(portal.post("/link-requests", f"192.0.2.{n}", **asked, email=f"claire{n}@example.org") for n in range(8))
    )
    assert sorted(status for status, _ in answers) == [202] * 3 + [429] * 5
    assert await portal.scalars("SELECT count(*) FROM link_requests") == [3]
