"""The desk's letters and dossiers asked for, before a gateway that says what waits."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, Gateway, listed
from tests.screens import Screen

LETTERS, API = "/agent/lettres", "/identity/v1/letters"
ASKED, REQUESTS = "/agent/demandes-de-dossier", "/identity/v1/dossier-requests"
LETTER: dict[str, Any] = {
    "id": "l",
    "number": "100042",
    "recipient": "Claire Moreau",
    "address": ["3 rue des Lilas", "94990 VILLENEUVE"],
    "title": "Votre paiement est bien reçu",
    "created_at": "2026-11-20T09:00:00Z",
}
REQUEST: dict[str, Any] = {
    "id": "q",
    "status": "waiting",
    "first_name": "Anne",
    "last_name": "O'Neill",
    "email": "anne@example.org",
    "phone": None,
    "address": {"street": "3 rue des Lilas", "postcode": "94990", "city": "Villeneuve"},
    "children": [{"first_name": "Tom", "last_name": "O'Neill", "birth_date": "2019-05-02"}],
    "message": None,
    "created_at": "2026-11-20T09:00:00Z",
    "dossier_id": None,
    "reason": None,
    "decided_at": None,
}


@pytest.fixture(autouse=True)
def waiting(gateway: Gateway) -> None:
    gateway.say("GET", f"{API}/waiting", (200, listed(LETTER, LETTER | {"id": "m", "address": []})))
    gateway.say("GET", REQUESTS, (200, listed(REQUEST)))
    gateway.say("GET", f"{REQUESTS}/q", (200, REQUEST))


async def test_letters_are_printed_from_one_file_and_noted(
    agent: Browser, desk_window: Screen, gateway: Gateway
) -> None:
    gateway.say("GET", API, (200, "%PDF"))
    gateway.say("POST", f"{API}/printed", (200, {"letters": 1}))
    page = await agent.get(LETTERS)
    assert "manquante : complétez le dossier" in page.text
    page = await agent.submit(page, f"{LETTERS}/tirages")
    assert page.path == f"{LETTERS}?tirage=7"
    file = page.links()["Ouvrir le fichier à imprimer (PDF)"]
    cookies = "; ".join(f"{name}={value}" for name, value in agent.cookies.items())
    async with agent.client.get(agent.origin + file, headers={"Cookie": cookies}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf")
    assert gateway.heard("GET", API)[-1].query == {"run_id": "7"}
    page = await agent.submit(page, f"{LETTERS}/imprimees")
    assert [call.body for call in gateway.heard("POST", f"{API}/printed")] == [{"run_id": "7"}]
    assert "sont notées comme imprimées" in page.text
    await desk_window.open(LETTERS)
    await desk_window.press("Préparer le fichier à imprimer")
    await desk_window.look("agent-lettres")


async def test_nothing_to_print_is_said(agent: Browser, gateway: Gateway) -> None:
    gateway.say("GET", API, (204, None))
    page = await agent.submit(await agent.get(LETTERS), f"{LETTERS}/tirages")
    assert "Aucune lettre ne peut être imprimée" in page.text


async def test_a_dossier_asked_for_is_accepted_with_the_number_of_the_one_made(
    agent: Browser, desk_window: Screen, gateway: Gateway
) -> None:
    decision = ("POST", f"{REQUESTS}/q/decision")
    page = await agent.get(ASKED)
    page = await agent.get(page.links()["Anne O'Neill"])
    gateway.say("GET", "/dossier/v1/dossiers", (200, listed()))
    page = await agent.submit(page, f"{ASKED}/q/decision", decision="accepted", dossier="7", reason="Vue")
    assert page.errors == ["Aucun dossier n'a ce numéro : créez-le d'abord, puis indiquez son numéro."]
    gateway.say(
        "GET", "/dossier/v1/dossiers", (200, listed({"id": "d", "number": "100042", "adults": [], "children": []}))
    )
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER))
    gateway.refuse(*decision, 422, errors=[{"pointer": "/guardian_id", "detail": "Indiquez lequel."}])
    page = await agent.submit(page, f"{ASKED}/q/decision", decision="accepted", dossier="100042", reason="Vue")
    assert page.errors == ["Indiquez lequel."]
    gateway.say(*decision, (200, {}))
    chosen = {"decision": "accepted", "guardian_id": "claire"}
    await agent.submit(page, f"{ASKED}/q/decision", **chosen)
    said = {"decision": "accepted", "dossier_id": "d", "reason": "Vue"}
    assert [call.body for call in gateway.heard(*decision)] == [said, said | {"guardian_id": "claire"}]
    await desk_window.open(f"{ASKED}/q")
    await desk_window.look("agent-demande-de-dossier")


async def test_the_dossier_is_made_of_what_the_family_says(agent: Browser, gateway: Gateway) -> None:
    making, new = ("POST", "/dossier/v1/dossiers"), "/agent/dossiers/nouveau"
    gateway.refuse(*making, 409, "Le dossier 100043 a un adulte de ce nom.", type="urn:problem:dossier:dossier-known")
    page = await agent.get(f"{ASKED}/q")
    page = await agent.get(page.links()["Créer le dossier avec ces informations"])
    page = await agent.submit(page, new)
    assert page.errors == ["Le dossier 100043 a un adulte de ce nom."]
    gateway.say(*making, (201, DOSSIER))
    assert page.form(new)["motif"] == [""], "asked only now"
    page = await agent.submit(page, new, motif="Homonyme")
    assert page.path == f"{ASKED}/q?dossier=100042"
    assert page.form(f"{ASKED}/q/decision")["dossier"] == ["100042"]
    adult = {"first_name": "Anne", "last_name": "O'Neill", "email": "anne@example.org"}
    said = {
        "address": REQUEST["address"],
        "adults": [adult | {"roles": ["legal_guardian", "payer"]}],
        "children": REQUEST["children"],
    }
    assert [call.body for call in gateway.heard(*making)] == [said, said | {"override_reason": "Homonyme"}]
    assert (await agent.get(f"{new}?demande=unknown")).status == 404


async def test_a_dossier_asked_for_is_refused_with_a_reason(agent: Browser, gateway: Gateway) -> None:
    gateway.say("POST", f"{REQUESTS}/q/decision", (200, {}))
    page = await agent.submit(await agent.get(f"{ASKED}/q"), f"{ASKED}/q/decision", decision="refused", reason="")
    assert page.errors == ["Indiquez le motif de la décision."]
    await agent.submit(page, f"{ASKED}/q/decision", decision="refused", reason="Hors commune")
    [said] = gateway.heard("POST", f"{REQUESTS}/q/decision")
    assert said.body == {"decision": "refused", "reason": "Hors commune"}
    assert (await agent.get(f"{ASKED}/unknown")).status == 404
