"""Documents handed in by a form without scripts, and decided at the desk, before a gateway that says what there is."""

import pytest
from web.forms import FILE_LIMIT

from tests.browsers import Browser
from tests.gateways import DOSSIER, Gateway, listed
from tests.screens import Screen

HERE, API = "/dossier/documents", "/dossier/v1/dossiers/d/documents"
ONE = "/agent/dossiers/d/documents/doc"
INSURED = {
    "id": "doc",
    "status": "accepted",
    "dossier_id": "d",
    "child_id": "tom",
    "kind_name": "Attestation d'assurance",
    "media_type": "application/pdf",
    "uploaded_at": "2026-09-02T08:00:00Z",
    "expires_on": "2026-10-31",
    "expired": True,
    "reason": None,
}
REFUSED = INSURED | {"id": "other", "status": "refused", "child_id": None, "expired": False, "expires_on": None}


@pytest.fixture(autouse=True)
def known(gateway: Gateway) -> None:
    gateway.say("GET", "/dossier/v1/dossiers/mine", (200, DOSSIER | {"id": "d"}))
    gateway.say("GET", API, (200, listed(INSURED, REFUSED | {"reason": "La date est illisible."})))
    kinds = [
        {"code": "domicile", "name": "Justificatif de domicile", "about": "dossier", "expires": False},
        {"code": "assurance", "name": "Attestation d'assurance", "about": "child", "expires": True},
    ]
    gateway.say("GET", "/dossier/v1/document-kinds", (200, {"items": kinds}))


async def test_a_family_reads_what_became_of_its_documents(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(HERE)
    assert page.heading == "Mes documents"
    for said in ("Attestation d'assurance – Tom", "N'est plus valable", "Refusé", "La date est illisible."):
        assert said in page.text
    assert "À indiquer pour : Attestation d'assurance" in page.text.replace("\xa0", " ")
    gateway.say("GET", "/dossier/v1/documents/doc", (200, "contenu"))
    async with claire.client.get(
        f"{claire.origin}{HERE}/doc", headers={"Cookie": "; ".join(f"{k}={v}" for k, v in claire.cookies.items())}
    ) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="document.pdf"'
        assert (answer.content_type, answer.headers["Cache-Control"]) == ("application/pdf", "no-store")


async def test_a_document_is_sent_as_it_is_once(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(HERE)
    assert page.form(HERE)["cle"]
    gateway.say("POST", API, (201, INSURED))
    content = bytes(range(256)) * 9000  # more than is kept in memory
    said = {"kind": "assurance", "child_id": "tom", "expires_on": "2027-08-31"}
    shown = await claire.upload(page, HERE, ("fichier", content), **said)
    assert (shown.path, "Votre document est envoyé" in shown.text) == (f"{HERE}?envoye", True)
    (sent,) = gateway.heard("POST", API)
    assert (sent.body, sent.query) == (content, said)
    assert sent.headers["Idempotency-Key"] == page.form(HERE)["cle"][0]


async def test_what_is_wrong_with_a_document_is_said_beside_its_input(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(HERE)
    empty = await claire.submit(page, HERE, fichier="")
    assert (empty.status, empty.errors) == (
        422,
        ["Indiquez de quel document il s'agit.", "Choisissez le fichier à envoyer."],
    )
    gateway.refuse("POST", API, 422, errors=[{"pointer": "/query/expires_on", "detail": "Indiquez une date."}])
    missing = await claire.upload(page, HERE, ("fichier", b"%PDF-"), kind="assurance", child_id="tom")
    assert (missing.status, missing.errors) == (422, ["Indiquez une date."])
    assert missing.form(HERE)["kind"] == ["assurance"]
    gateway.say("POST", API, (422, {"type": "urn:problem:dossier:file-refused", "detail": "Ce fichier est vide."}))
    assert (await claire.upload(page, HERE, ("fichier", b"PK"), kind="domicile")).errors == ["Ce fichier est vide."]
    gateway.refuse("POST", API, 413)
    (large,) = (await claire.upload(page, HERE, ("fichier", b"x"), kind="domicile")).errors
    assert large.replace("\xa0", " ").startswith("Ce fichier dépasse 10 Mo")


async def test_a_file_beyond_any_limit_and_a_form_that_is_none_are_pages(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(HERE)
    assert (await claire.upload(page, HERE, ("fichier", b"x" * FILE_LIMIT), kind="domicile")).status == 413
    assert (await claire.upload(page, HERE, ("fichier", b"x"), csrf="other")).status == 403
    assert gateway.heard("POST", API) == []


async def test_the_desk_reads_a_document_and_accepts_or_refuses_it(agent: Browser, gateway: Gateway) -> None:
    waiting = INSURED | {"status": "waiting"}
    gateway.say("GET", "/dossier/v1/documents", (200, listed(waiting)))
    gateway.say("GET", API, (200, listed(waiting, REFUSED | {"reason": "La date est illisible."})))
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER | {"id": "d"}))
    gateway.say("GET", "/dossier/v1/dossiers", (200, listed(DOSSIER)))
    page = await agent.get("/agent/documents")
    assert page.links()["Attestation d'assurance"] == ONE
    expiring = await agent.get("/agent/documents-a-renouveler")
    assert expiring.links()["100042, Moreau"] == "/agent/dossiers/d"
    assert [call.query.get("expiring") for call in gateway.heard("GET", "/dossier/v1/documents")] == [None, "true"]
    await agent.get("/agent/documents?kind=assurance")
    assert gateway.heard("GET", "/dossier/v1/documents")[-1].query == {"kind": "assurance", "limit": "50"}
    page = await agent.get(ONE)
    assert "Tom Moreau" in page.text
    action = f"{ONE}/decision"
    refusal = await agent.submit(page, action, decision="refused")
    assert refusal.errors == ["Indiquez pourquoi ce document est refusé."]
    gateway.say("POST", "/dossier/v1/documents/doc/decision", (200, INSURED))
    shown = await agent.submit(page, action, decision="refused", reason="Illisible.", expires_on="")
    assert shown.path == "/agent/documents"
    (sent,) = gateway.heard("POST", "/dossier/v1/documents/doc/decision")
    assert sent.body == {"decision": "refused", "reason": "Illisible."}
    decided = await agent.get(ONE.removesuffix("doc") + "other")
    assert "Refusé" in decided.text
    assert "La date est illisible." in decided.text
    assert "/decision" not in decided.source
    assert (await agent.get(ONE.removesuffix("doc") + "unknown")).status == 404


async def test_the_page_of_documents_is_for_everybody(family_window: Screen) -> None:
    await family_window.open(HERE)
    await family_window.look("dossier-documents")


async def test_the_desks_documents_in_a_browser(desk_window: Screen, gateway: Gateway) -> None:
    waiting = INSURED | {"status": "waiting"}
    gateway.say("GET", "/dossier/v1/documents", (200, listed(waiting)))
    gateway.say("GET", API, (200, listed(waiting)))
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER))
    gateway.say("GET", "/dossier/v1/dossiers", (200, listed(DOSSIER)))
    for path, picture in (("/agent/documents", "agent-documents"), (ONE, "agent-document")):
        await desk_window.open(path)
        await desk_window.look(picture)
