"""The desk's door: a second factor, the rubrics of each role, and who is not let in; its lists and their files."""

from typing import Any

import pytest
from chassis import clock
from web.answers.enrolment import Site
from web.listings import Column, Count, Filter, Listing
from web.settings import Settings
from web.visits import PROOF

from tests.browsers import Browser
from tests.gateways import ME, Gateway, listed
from tests.screens import Screen
from web import listings

SESSIONS, CODE = "/identity/v1/sessions", "/connexion/code"
NEEDED = {"type": "urn:problem:identity:second-factor-required", "title": "", "detail": "Indiquez aussi le code."}
WRONG = {"type": "urn:problem:identity:sign-in-refused", "title": "", "detail": "Incorrect."}


def of_the_staff(gateway: Gateway, role: str = "agent") -> None:
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": role, "first_name": "Luc"}))


async def test_a_code_is_asked_for_after_the_password_and_leads_to_the_desk(browser: Browser, gateway: Gateway) -> None:
    gateway.say("POST", SESSIONS, (401, NEEDED), (401, WRONG), (201, gateway.tokens()))
    of_the_staff(gateway)
    page = await browser.submit(await browser.get("/connexion"), "/connexion", login="luc", password="Guichet!2026")
    assert (page.status, page.heading) == (200, "Code de connexion")
    assert "Guichet!2026" not in page.source
    page = await browser.submit(page, CODE, otp="")
    assert page.errors == ["Indiquez le code affiché par votre application."]
    page = await browser.submit(page, CODE, otp="000000")
    assert "pas le bon" in page.errors[0]
    page = await browser.submit(page, CODE, otp=" 123 456 ")
    assert (page.path, page.heading) == ("/agent", "Bonjour Luc")
    said = [call.body for call in gateway.heard("POST", SESSIONS)]
    whose = {"login": "luc", "password": "Guichet!2026"}
    assert said == [whose, whose | {"otp": "000000"}, whose | {"otp": "123456"}]


async def test_a_recovery_code_and_the_way_back_are_kept(browser: Browser, gateway: Gateway) -> None:
    gateway.say("POST", SESSIONS, (401, NEEDED), (201, gateway.tokens()))
    of_the_staff(gateway)
    page = await browser.submit(await browser.get("/agent?a=b"), "/connexion", login="luc", password="x")
    page = await browser.submit(page, CODE, otp="ABCD-EFGH-JKLM-NPQR")
    assert page.path == "/agent?a=b"
    assert gateway.heard("POST", SESSIONS)[-1].body["otp"] == "ABCD-EFGH-JKLM-NPQR"


async def test_a_password_that_waits_is_good_in_that_browser_alone_and_not_for_long(
    browser: Browser, gateway: Gateway, settings: Settings
) -> None:
    gateway.say("POST", SESSIONS, (401, NEEDED), (201, gateway.tokens()))
    page = await browser.submit(await browser.get("/connexion"), "/connexion", login="luc", password="x")
    proof = page.form(CODE)[PROOF][0]
    opened = settings.seal.open(PROOF, proof)
    assert opened is not None
    asked = len(gateway.heard("POST", SESSIONS))
    for wrong in (
        opened | {"csrf": "another"},
        opened | {"until": clock.now().timestamp() - 1},
    ):
        refused = await browser.submit(page, CODE, otp="123456", preuve=settings.seal.close(PROOF, wrong))
        assert (refused.status, refused.heading) == (422, "Bienvenue dans l'Espace Familles")
    assert (await browser.submit(page, CODE, otp="123456", preuve="e30")).status == 422
    assert len(gateway.heard("POST", SESSIONS)) == asked
    of_the_staff(gateway)
    assert (await browser.submit(page, CODE, otp="123456")).path == "/agent"


async def test_each_is_told_politely_whose_pages_they_are(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get("/factures")
    assert (page.status, page.heading) == (403, "Cette action n'est pas possible ici")
    assert "celle des familles" in page.text
    assert (await agent.get("/")).path == "/agent"
    assert "Facturation" not in page.links()
    gateway.say("GET", "/planning/v1/deadlines", (200, {"activities": [], "holiday_weeks": []}))
    assert (await agent.get("/delais")).status == 200
    assert not gateway.heard("GET", "/billing/v1/invoices")


async def test_a_family_is_not_let_to_the_desk(claire: Browser) -> None:
    page = await claire.get("/agent")
    assert page.status == 403
    assert "réservée aux agents" in page.text
    assert (await claire.get("/")).heading == "Bonjour Claire"


# ---------------------------------------------------------------------- lists

SITES = Listing(
    "/agent/exemple",
    "Exemple",
    Site,
    "/enrolment/v1/sites",
    [Column("Nom", lambda one: one.name, lambda one: f"/agent/exemple/{one.id}")],
    [Filter("status", "État", [("waiting", "En attente"), ("done", "Traitées")]), Filter("name", "Nom")],
    {"kind": "school"},
)


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages with that list among them."""
    from web import pages

    monkeypatch.setattr(pages, "ROUTES", [*pages.ROUTES, *SITES.routes])


def site(name: str) -> dict[str, Any]:
    return {"id": name[:1], "name": name}


@pytest.mark.usefixtures("listing")
async def test_a_list_filters_and_pages(agent: Browser, gateway: Gateway) -> None:
    gateway.say("GET", "/enrolment/v1/sites", (200, {"items": [site("Jaurès")], "next_cursor": "c1"}), (200, listed()))
    page = await agent.get("/agent/exemple?status=done&name=J&suite=c0")
    assert gateway.heard("GET", "/enrolment/v1/sites")[0].query == {
        "kind": "school",
        "status": "done",
        "name": "J",
        "limit": "50",
        "cursor": "c0",
    }
    assert page.links()["Jaurès"] == "/agent/exemple/J"
    assert page.links()["Page suivante"] == "/agent/exemple?status=done&name=J&suite=c1"
    assert page.links()["Exporter la liste (CSV)"] == "/agent/exemple.csv?status=done&name=J"
    page = await agent.get("/agent/exemple?status=nonsense")
    assert gateway.heard("GET", "/enrolment/v1/sites")[1].query["status"] == "waiting"
    assert "Rien dans cette liste." in page.text


@pytest.mark.usefixtures("listing")
async def test_a_filter_that_the_service_refuses_is_said_beside_it(agent: Browser, gateway: Gateway) -> None:
    gateway.refuse("GET", "/enrolment/v1/sites", 422, errors=[{"pointer": "/query/name", "detail": "Trop long."}])
    page = await agent.get("/agent/exemple?name=J")
    assert (page.status, page.errors) == (422, ["Trop long."])


@pytest.mark.usefixtures("listing")
async def test_a_list_is_a_file_without_a_formula(agent: Browser, gateway: Gateway) -> None:
    names = ["Jaurès", "=cmd", "+1", "-1", "@a", "\t=a", 'a;"b']
    half = len(names) // 2
    gateway.say(
        "GET",
        "/enrolment/v1/sites",
        (200, {"items": [site(one) for one in names[:half]], "next_cursor": "c"}),
        (200, listed(*(site(one) for one in names[half:]))),
    )
    async with agent.client.get(
        f"{agent.origin}/agent/exemple.csv",
        headers={"Cookie": "; ".join(f"{name}={value}" for name, value in agent.cookies.items())},
    ) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="exemple.csv"'
        text = (await answer.read()).decode("utf-8-sig")
    assert text.split("\r\n") == ["Nom", "Jaurès", "'=cmd", "'+1", "'-1", "'@a", "'\t=a", '"a;""b"', ""]


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ((200, listed(site("a"), site("b"))), Count(2)),
        ((200, {"items": [site("a")], "next_cursor": "c"}), Count(1, True)),
        ((503, {}), Count(None)),
    ],
)
async def test_what_waits_is_counted_on_the_home_page(
    agent: Browser, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any], count: Count
) -> None:
    from web.pages.agent import home

    monkeypatch.setattr(home, "QUEUES", [SITES])
    gateway.say("GET", "/enrolment/v1/sites", answer)
    said = {2: "2", 1: "plus de 1", None: "indisponible"}[count.number]
    assert f"Exemple {said}" in (await agent.get("/agent")).text


def test_what_a_spreadsheet_would_compute_is_said_as_it_is() -> None:
    assert [listings.plain(one) for one in ("", "a=b", "=1")] == ["", "a=b", "'=1"]


@pytest.mark.usefixtures("listing")
async def test_the_desks_own_pages_in_a_browser(desk_window: Screen, gateway: Gateway) -> None:
    await desk_window.look()
    gateway.say("GET", "/enrolment/v1/sites", (200, {"items": [site("Jaurès")], "next_cursor": "c1"}))
    await desk_window.open("/agent/exemple")
    await desk_window.look()
    gateway.say("POST", SESSIONS, (401, NEEDED), (401, WRONG))
    await desk_window.press("Se déconnecter")
    await desk_window.sign_in("luc", "Guichet!2026")
    await desk_window.look("connexion-code")
    await desk_window.fill(otp="000000")
    await desk_window.press("Se connecter")
    await desk_window.look()
