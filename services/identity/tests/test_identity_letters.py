"""Letters: what is printed for whom no mail reaches, where the post reads it, and that it was printed."""

from io import BytesIO
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts.dossier import DossierChanged
from identity.letters.rules import Named, Postal, address_lines, recipient
from identity.worker import forget_what_is_over
from pypdf import PdfReader

from services.identity.tests.portal import Portal, moreau, notice

MOREAU = named_id("dossier", "100042")
MM_PER_POINT = 25.4 / 72


def mute(version: int = 2, **changes: Any) -> DossierChanged:
    """The Moreau family without any email."""
    return moreau(version, **({"adults": (moreau().adults[0].model_copy(update={"email": None}),)} | changes))


@pytest.fixture
async def agent(portal: Portal) -> str:
    return str((await portal.sign_in_staff())[1]["access_token"])


async def printed(portal: Portal, agent: str, query: str = "") -> tuple[str, list[str]]:
    """The run's id and the text of each page of its PDF; both empty where there is nothing to print."""
    async with portal.client.get(f"/v1/letters{query}", headers={"Authorization": f"Bearer {agent}"}) as answer:
        if answer.status == 204:
            return "", []
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        pages = [page.extract_text() for page in PdfReader(BytesIO(await answer.read())).pages]
        return answer.headers["ETag"].strip('"'), pages


async def test_letters_are_printed_once_and_those_that_come_meanwhile_stay(portal: Portal, agent: str) -> None:
    await portal.hear(mute())
    await portal.hear(notice(dossier_id=MOREAU))
    run_id, (page,) = await printed(portal, agent)
    assert "Claire Moreau\n27 rue du Lavoir\n94990 VILLENEUVE-SUR-BIÈVRE\n" in page
    for words in ("Dossier 100042", "Nous avons reçu 12,50 € pour <Léa> & Hugo.", "Guichet Familles, 1 place"):
        assert words in page
    await portal.hear(notice(dossier_id=MOREAU))
    assert await portal.send("POST", "/letters/printed", bearer=agent, run_id=run_id) == (200, {"letters": 1})
    assert await portal.send("POST", "/letters/printed", bearer=agent, run_id=run_id) == (200, {"letters": 1})
    assert await portal.scalars("SELECT status FROM notices ORDER BY id") == ["printed", "to_print"]
    second, pages = await printed(portal, agent)
    assert (second != run_id, len(pages)) == (True, 1)
    assert await printed(portal, agent, f"?run_id={run_id}") == (run_id, [page]), "a printer jams"


async def test_the_address_stands_in_the_window_of_the_envelope(portal: Portal, agent: str) -> None:
    """Between 100 and 190 mm from the left of the sheet and 45 and 90 mm from its top."""
    await portal.hear(mute())
    await portal.hear(notice(dossier_id=MOREAU))
    async with portal.client.get("/v1/letters", headers={"Authorization": f"Bearer {agent}"}) as answer:
        (page,) = PdfReader(BytesIO(await answer.read())).pages
    found: dict[str, tuple[float, float]] = {}

    def visit(text: str, transform: list[float], matrix: list[float], *_: Any) -> None:
        if text.strip():
            x, y = matrix[4], matrix[5]
            found[text.strip()] = (
                (transform[0] * x + transform[2] * y + transform[4]) * MM_PER_POINT,
                297 - (transform[1] * x + transform[3] * y + transform[5]) * MM_PER_POINT,
            )

    page.extract_text(visitor_text=visit)
    inside = {text for text, (x, y) in found.items() if 100 < x < 190 and 45 < y < 90}
    assert inside == {"Claire Moreau", "27 rue du Lavoir", "94990 VILLENEUVE-SUR-BIÈVRE"}, found


async def test_a_letter_without_address_waits_for_one_and_is_said(portal: Portal, agent: str) -> None:
    await portal.hear(mute(address=None))
    await portal.hear(notice(dossier_id=MOREAU))
    assert await printed(portal, agent) == ("", [])
    (waiting,) = (await portal.get("/letters/waiting", agent))[1]["items"]
    assert (waiting["number"], waiting["address"]) == ("100042", [])
    await portal.hear(mute(3))
    assert len((await printed(portal, agent))[1]) == 1
    (waiting,) = (await portal.get("/letters/waiting", agent))[1]["items"]
    assert waiting["address"] == ["27 rue du Lavoir", "94990 VILLENEUVE-SUR-BIÈVRE"]


async def test_a_run_that_nobody_made_was_not_printed(portal: Portal, agent: str) -> None:
    assert (await portal.send("POST", "/letters/printed", bearer=agent, run_id=str(new_id())))[0] == 404
    assert (await portal.get(f"/letters?run_id={new_id()}", agent))[0] == 404


async def test_what_was_printed_is_forgotten_after_a_month_and_what_waits_is_not(portal: Portal, agent: str) -> None:
    await portal.hear(mute())
    await portal.hear(notice(dossier_id=MOREAU))
    run_id, _ = await printed(portal, agent)
    await portal.send("POST", "/letters/printed", bearer=agent, run_id=run_id)
    await portal.hear(notice(dossier_id=MOREAU))
    for days, left in ((29, ["printed", "to_print"]), (31, ["to_print"])):
        portal.later(days=days)
        await forget_what_is_over(portal.database, portal.settings)
        assert await portal.scalars("SELECT status FROM notices ORDER BY id") == left
    assert await portal.scalars("SELECT id FROM print_runs") == []


def test_a_letter_names_all_guardians_or_the_one_it_is_for() -> None:
    claire = Named(guardian_id="1", first_name="Claire", last_name="Moreau")
    paul = Named(guardian_id="2", first_name="Paul", last_name="Petit")
    assert recipient([claire, paul], None, "7") == "Claire Moreau et Paul Petit"
    assert recipient([claire, paul], "2", "7") == "Paul Petit"
    assert recipient([], None, "7") == "Famille du dossier 7"


def test_the_last_line_of_an_address_is_as_machines_read_it() -> None:
    address = Postal(street="Bât. B\n3 rue des Lilas", postcode="94990", city="Villeneuve,  Cedex")
    assert address_lines(address) == ["Bât. B", "3 rue des Lilas", "94990 VILLENEUVE CEDEX"]
