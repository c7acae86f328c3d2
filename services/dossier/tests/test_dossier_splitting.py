"""A family splits in two dossiers."""

from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from contracts.dossier import ChildChanged, DossierChanged, NoticeWritten
from sqlalchemy import text

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, Send
from tests.builders import published

pytestmark = pytest.mark.usefixtures("loaded")

INES, TOM = (named_id("child", "100042", name) for name in ("Inès", "Tom"))
PAUL = {"first_name": "Paul", "last_name": "Moreau", "phone": "0600000043", "roles": ["legal_guardian"]}
HANDED_IN = """
    INSERT INTO documents (id, version, status, dossier_id, child_id, kind, media_type, size, uploaded_at, uploaded_by,
    at_desk) VALUES (:id, 1, 'waiting', :dossier, :child, 'vaccinations', 'application/pdf', 9, :now, :by, false)
"""
HOME = {"street": "3 impasse des Mésanges", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"}


async def paul(send: Send) -> str:
    """The other guardian's id: the dossier has version 3 now."""
    _, made, _ = await send("POST", f"/dossiers/{MOREAU}/adults", PAUL, role="agent")
    return str(next(one["id"] for one in made["adults"] if one["first_name"] == "Paul"))


async def split(send: Send, seen: int = 3, query: str = "", **body: Any) -> tuple[int, Any]:
    status, answer, _ = await send("POST", f"/dossiers/{MOREAU}/split{query}", body, role="agent", seen=f'"{seen}"')
    return status, answer


def children(*of: tuple[UUID, bool]) -> list[dict[str, Any]]:
    return [{"child_id": str(one), "shared": shared} for one, shared in of]


async def test_adults_and_children_have_a_dossier_of_their_own(send: Send, database: Database) -> None:
    gone = await paul(send)
    asked: dict[str, Any] = {"adults": [gone], "children": children((TOM, False), (INES, True)), "address": HOME}
    before = len(await published(database, DossierChanged)), len(await published(database, ChildChanged))
    status, seen = await split(send, query="?preview=true", **asked)
    assert (status, seen["created"]) == (200, None)
    assert (len(seen["dossier"]["adults"]), len(seen["dossier"]["children"])) == (2, 2)
    assert "Paul Moreau" in seen["touches"][0]
    assert (len(await published(database, DossierChanged)), len(await published(database, ChildChanged))) == before

    status, made = await split(send, **asked)
    assert status == 200
    assert made["touches"] == seen["touches"]
    old, new = made["dossier"], made["created"]
    assert (new["number"], new["address"], new["missing"], new["quotient"]) == ("100043", HOME, [], None)
    assert [(one["id"], one["roles"]) for one in new["adults"]] == [(gone, ["legal_guardian", "payer"])]
    assert [one["id"] for one in old["adults"]] == [str(CLAIRE)]
    assert [one["first_name"] for one in old["children"]] == ["Inès"]
    assert [one["first_name"] for one in new["children"]] == ["Inès", "Tom"]
    told = {one.child_id: one for one in await published(database, ChildChanged)}
    assert set(told[INES].dossier_ids) == {MOREAU, UUID(new["id"])}
    assert told[TOM].dossier_ids == (UUID(new["id"]),)
    dossiers = {one.dossier_id: one for one in await published(database, DossierChanged)}
    assert [one.adult_id for one in dossiers[UUID(new["id"])].adults] == [UUID(gone)]
    assert [one.adult_id for one in dossiers[MOREAU].adults] == [CLAIRE]
    notices = {one.dossier_id: str(one.paragraphs) for one in await published(database, NoticeWritten)}
    assert "Mésanges" not in notices[MOREAU]
    # Sent once more by whoever has not seen it.
    assert (await split(send, **asked))[0] == 412
    assert (await send("GET", f"/dossiers/{new['id']}", role="agent"))[1] == new


async def test_a_childs_documents_go_along_with_who_moves_and_are_seen_while_the_child_is_there(
    send: Send, database: Database
) -> None:
    gone = await paul(send)
    async with database.sessions.begin() as session:
        for child in (INES, TOM):
            handed_in = {"id": new_id(), "dossier": MOREAU, "child": child, "by": new_id(), "now": clock.now()}
            await session.execute(text(HANDED_IN), handed_in)

    async def seen(dossier_id: object, role: str = "guardian") -> list[str]:
        of, own = f"/dossiers/{dossier_id}/documents", UUID(str(dossier_id))
        items = (await send("GET", of, role=role, dossier_id=own))[1]["items"]
        return [one["child_id"] for one in items]

    assert await seen(MOREAU) == [str(TOM), str(INES)]
    _, made = await split(send, adults=[gone], children=children((TOM, False), (INES, True)))
    new = made["created"]["id"]
    assert (await seen(MOREAU), await seen(new)) == ([str(INES)], [str(TOM)])
    # What the one parent has handed in may say where they live: who keeps the child does not get it.
    left = f"/children/{INES}/dossiers/{MOREAU}"
    assert (await send("DELETE", left, role="agent", seen='"2"'))[0] == 200
    assert (await seen(MOREAU), await seen(new), await seen(MOREAU, "agent")) == ([], [str(TOM)], [str(INES)])


async def test_neither_dossier_is_left_without_guardian_or_payer(send: Send, database: Database) -> None:
    gone = await paul(send)
    aunt = {"first_name": "Anne", "last_name": "Petit", "roles": ["contact"]}
    _, made, _ = await send("POST", f"/dossiers/{MOREAU}/adults", aunt, role="agent")
    contact = next(one["id"] for one in made["adults"] if one["first_name"] == "Anne")
    before = len(await published(database, DossierChanged))
    lea = children((named_id("child", "100001", "Léa"), True))
    for body, code, word in (
        ({"adults": [str(CLAIRE)], "children": []}, 409, "payeur"),
        ({"adults": [str(CLAIRE), gone], "children": []}, 409, "responsable légal"),
        ({"adults": [contact], "children": []}, 422, "responsable légal"),
        ({"adults": [gone, gone], "children": []}, 422, "deux fois"),
        ({"adults": [str(new_id())], "children": []}, 422, "pas de ce dossier"),
        ({"adults": [gone], "children": lea}, 422, "pas de ce dossier"),
        ({"adults": [], "children": []}, 422, ""),
    ):
        status, problem = await split(send, 4, **body)
        assert (status, word in str(problem)) == (code, True), problem
    await send("POST", f"/children/{TOM}/dossiers", {"dossier_id": str(MARTIN)}, role="agent", seen='"1"')
    status, problem = await split(send, 4, adults=[gone], children=children((TOM, True)))
    assert (status, problem["type"]) == (409, "urn:problem:dossier:two-dossiers")
    assert len(await published(database, DossierChanged)) == before + 1  # Martin's
