"""Tablets: enrolled for a site by the administrator, signed in on by PIN, and gone at once."""

import asyncio
from typing import Any

from chassis.identifiers import new_id
from contracts.enrolment import SiteChanged

from services.identity.tests.portal import Portal, session_of
from tests.builders import sample

SITE = str(sample(SiteChanged).site_id)
TABLET = {"site_id": SITE, "name": "Tablette de la cour"}
ANIMATOR: dict[str, Any] = {"first_name": "Luc", "last_name": "Petit", "email": "luc.petit@example.org"} | {
    "username": "anim",
    "role": "site_staff",
    "site_ids": [SITE],
    "pin": "4711",
}


async def administrator(portal: Portal) -> str:
    await portal.hear(sample(SiteChanged))
    return str((await portal.sign_in_staff("admin"))[1]["access_token"])


async def test_a_pin_opens_a_tablet_of_its_site_until_the_tablet_is_removed(portal: Portal) -> None:
    admin = await administrator(portal)
    assert (await portal.send("POST", "/accounts", bearer=admin, **ANIMATOR))[0] == 201
    status, tablet = await portal.send("POST", "/devices", bearer=admin, **TABLET)
    assert status == 201
    token = tablet.pop("device_token")
    status, listed = await portal.get("/devices", admin)
    assert status == 200
    assert tablet in listed["items"]
    assert token not in str(listed)
    by_pin = {"login": "anim", "pin": "4711", "device_token": token}
    status, tokens = await portal.send("POST", "/sessions", **by_pin)
    assert status == 201
    assert (await portal.get("/me", tokens["access_token"]))[0] == 200
    assert sorted(await asyncio.gather(*(portal.delete(f"/devices/{tablet['id']}", admin) for _ in range(3)))) == [
        204,
        404,
        404,
    ]
    assert (await portal.get("/me", tokens["access_token"]))[0] == 401
    assert await portal.revoked() == [session_of(tokens)]
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    assert (await portal.send("POST", "/sessions", **by_pin))[0] == 401


async def test_a_tablet_of_another_site_opens_nothing(portal: Portal) -> None:
    admin = await administrator(portal)
    await portal.hear(sample(SiteChanged, site_id=(other := new_id()), code="autre"))
    assert (await portal.send("POST", "/accounts", bearer=admin, **ANIMATOR))[0] == 201
    for site, status in ((str(other), 401), (SITE, 201)):
        _, tablet = await portal.send("POST", "/devices", bearer=admin, **TABLET | {"site_id": site})
        by_pin = {"login": "anim", "pin": "4711", "device_token": tablet["device_token"]}
        assert (await portal.send("POST", "/sessions", **by_pin))[0] == status


async def test_a_tablet_without_a_site_or_a_name_is_refused_with_its_field(portal: Portal) -> None:
    admin = await administrator(portal)
    for changes, pointer in (({"site_id": str(new_id())}, "/site_id"), ({"name": ""}, "/name")):
        status, problem = await portal.send("POST", "/devices", bearer=admin, **TABLET | changes)
        assert status == 422
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
