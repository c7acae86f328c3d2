"""A child's health record, read and written on a page, and who has read it."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, Gateway, listed
from tests.screens import Screen

HERE, API = "/dossier/enfants/tom/sante", "/dossier/v1/children/tom/health"
RECORD: dict[str, Any] = {
    "child_id": "tom",
    "version": 3,
    "changed_at": "2026-11-20T08:00:00Z",
    "allergies": "Arachide.",
    "treatments": None,
    "pai": {"valid_from": "2026-09-01", "valid_to": "2027-07-05", "instructions": "Appeler le 15."},
    "doctor": None,
    "vaccines": [{"name": "DTP", "date": "2024-03-02"}],
    "remarks": None,
}


@pytest.fixture(autouse=True)
def known(gateway: Gateway) -> None:
    for dossier in ("mine", "d"):
        gateway.say("GET", f"/dossier/v1/dossiers/{dossier}", (200, DOSSIER | {"id": "d"}))
    gateway.say("GET", API, (200, RECORD))


def written(page: Any) -> dict[str, list[str]]:
    """What the form holds, with its texts of several lines."""
    found: dict[str, list[str]] = page.form(HERE)
    return found | {one.get("name", ""): [(one.text or "").strip()] for one in page.all("textarea")}


async def test_a_family_reads_and_writes_the_record(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(HERE)
    form = written(page)
    assert page.heading == "Fiche sanitaire de Tom"
    assert (form["allergies"], form["vaccine-0-name"], form["vu"]) == (["Arachide."], ["DTP"], ["3"])
    gateway.say("PUT", API, (200, RECORD))
    changes = {"allergies": "", "doctor-name": "Dr Petit", "vaccine-2-name": "ROR", "vaccine-2-date": "2024-05-01"}
    shown = await claire.post(HERE, form | changes)
    assert shown.path == "/dossier?modifie"
    (sent,) = gateway.heard("PUT", API)
    assert sent.headers["If-Match"] == '"3"'
    assert sent.body == {
        "allergies": None,
        "treatments": None,
        "remarks": None,
        "pai": RECORD["pai"],
        "doctor": {"name": "Dr Petit", "phone": None},
        "vaccines": [{"name": "DTP", "date": "2024-03-02"}, {"name": "ROR", "date": "2024-05-01"}],
    }


async def test_a_fault_is_said_on_the_line_where_it_is_and_what_was_typed_stays(
    claire: Browser, gateway: Gateway
) -> None:
    form = written(await claire.get(HERE))
    gateway.refuse("PUT", API, 422, errors=[{"pointer": "/vaccines/1/date", "detail": "Cette date est dans l'avenir."}])
    page = await claire.post(HERE, form | {"vaccine-2-name": "ROR", "remarks": "Lunettes"})
    assert (page.status, page.errors) == (422, ["Cette date est dans l'avenir."])
    assert {"vaccine-2-date-error"} <= set(page.ids())
    assert written(page)["remarks"] == ["Lunettes"]


async def test_who_comes_second_is_shown_what_is_there_now(claire: Browser, gateway: Gateway) -> None:
    form = written(await claire.get(HERE))
    gateway.say("PUT", API, (412, {"type": "urn:problem:stale", "detail": "Modifié."}))
    gateway.say("GET", API, (200, RECORD | {"version": 4, "allergies": "Œuf."}))
    page = await claire.post(HERE, form | {"allergies": "Lait."})
    assert page.errors
    assert (written(page)["allergies"], written(page)["vu"]) == (["Œuf."], ["4"])


async def test_a_family_sees_who_has_read_the_record(claire: Browser, gateway: Gateway) -> None:
    read = {"at": "2026-11-20T08:00:00Z", "role": "agent", "mine": False, "site_name": None, "reason": "PAI à revoir"}
    staff = read | {"role": "site_staff", "site_name": "La Bièvre", "reason": "Accueil du jour"}
    gateway.say("GET", "/dossier/v1/children/tom/accesses", (200, listed(read, staff, read | {"mine": True})))
    page = await claire.get(f"{HERE}/lectures")
    for said in ("Un agent du guichet", "PAI à revoir", "L'équipe d'accueil", "La Bièvre", "Vous"):
        assert said in page.text
    assert (await claire.get("/dossier/enfants/autre/sante/lectures")).status == 404


async def test_an_agent_says_why_before_they_read(agent: Browser, gateway: Gateway) -> None:
    here = f"/agent/dossiers/d/famille{HERE}"
    asked = await agent.get(here)
    assert "Motif de la consultation" in asked.text
    assert (await agent.get(f"{here}?motif=")).status == 422
    assert gateway.heard("GET", API) == []
    gateway.refuse("GET", API, 422, errors=[{"pointer": "/query/reason", "detail": "Ce texte est trop long."}])
    page = await agent.get(f"{here}?motif=PAI")
    assert (page.status, page.links()["Ce texte est trop long."]) == (422, "#motif")
    gateway.say("GET", API, (200, RECORD))
    page = await agent.get(f"{here}?motif=PAI à revoir")
    assert "Appeler le 15." in page.source
    assert gateway.heard("GET", API)[-1].query == {"dossier_id": "d", "reason": "PAI à revoir"}


async def test_the_page_of_a_health_record_is_for_everybody(family_window: Screen) -> None:
    await family_window.open(HERE)
    await family_window.look("dossier-sante")
