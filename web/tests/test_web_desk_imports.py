"""Files of families sent by an administrator, and their report, before a gateway that says what there is."""

import pytest

from tests.browsers import Browser
from tests.gateways import ME, Gateway, listed
from tests.screens import Screen

HERE, API = "/agent/imports", "/dossier/v1/imports"
DONE = {
    "id": "i",
    "status": "done",
    "kind": "families",
    "dry_run": True,
    "lines": 2,
    "done": 2,
    "created": 1,
    "known": 0,
    "refused": 1,
    "asked_at": "2026-11-25T08:00:00Z",
    "finished_at": "2026-11-25T08:01:00Z",
}
FAULT = {"column": "code_postal", "detail": "Cinq chiffres sont attendus."}
LINES = [
    {"line": 2, "number": "200001", "outcome": "created", "faults": []},
    {"line": 3, "number": "200002", "outcome": "refused", "faults": [FAULT]},
]


@pytest.fixture(autouse=True)
def known(gateway: Gateway) -> None:
    gateway.say("GET", API, (200, listed(DONE)))
    gateway.say("GET", f"{API}/i", (200, DONE | {"items": LINES, "next_line": 3}))


async def test_a_file_is_tried_out_and_its_report_read(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get(HERE)
    assert "Familles (essai)" in page.text
    assert page.links()["Exporter toutes les familles (CSV)"] == f"{HERE}/familles.csv"
    gateway.say("POST", API, (202, DONE))
    content = b"numero;rue\n"
    said = {"kind": "families", "comment": "try"}
    shown = await administrator.upload(page, HERE, ("fichier", content), **said)
    assert shown.path == f"{HERE}/i"
    (sent,) = gateway.heard("POST", API)
    assert (sent.body, sent.query) == (content, {"kind": "families", "dry_run": "true"})
    for words in ("rien n'est enregistré", "200002", "code_postal : Cinq chiffres sont attendus.", "2 lignes sur 2"):
        assert words in shown.text.replace("\xa0", " ")
    await administrator.get(f"{HERE}/i?lignes=refused&suite=3")
    assert gateway.heard("GET", f"{API}/i")[-1].query == {"outcome": "refused", "after": "3"}
    await administrator.upload(page, HERE, ("fichier", content), kind="quotients", comment="store")
    assert gateway.heard("POST", API)[-1].query == {"kind": "quotients", "dry_run": "false"}


async def test_what_is_wrong_with_a_file_is_said_beside_it(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get(HERE)
    assert (await administrator.submit(page, HERE, fichier="")).errors == [
        "Indiquez ce que contient le fichier.",
        "Choisissez le fichier à envoyer.",
    ]
    gateway.refuse("POST", API, 422, errors=[{"pointer": "/commune", "detail": "Cette colonne manque."}])
    wrong = await administrator.upload(page, HERE, ("fichier", b"x"), kind="families", comment="try")
    assert [one.replace("\xa0", " ") for one in wrong.errors] == ["commune : Cette colonne manque."]
    gateway.refuse("POST", API, 413)
    (large,) = (await administrator.upload(page, HERE, ("fichier", b"x"), kind="families", comment="try")).errors
    assert large.replace("\xa0", " ").startswith("Ce fichier dépasse 10 Mo")


async def test_imports_and_their_lines_are_files_without_formulas(administrator: Browser, gateway: Gateway) -> None:
    worse = LINES[1] | {"line": 4, "number": "=cmd"}
    pages = ({"items": LINES[:1], "next_line": 2}, {"items": [worse], "next_line": None})
    page = await administrator.get(f"{HERE}/i?lignes=refused")
    gateway.say("GET", f"{API}/i", *((200, DONE | one) for one in pages))
    text = await administrator.file(page.links()["Exporter ces lignes (CSV)"])
    fault = "code_postal : Cinq chiffres sont attendus."
    assert text.split("\r\n")[1:] == ["2;200001;Enregistrée;", f"4;'=cmd;Refusée;{fault}", ""]
    asked = [one.query for one in gateway.heard("GET", f"{API}/i")[-2:]]
    assert [(one["outcome"], one["after"]) for one in asked] == [("refused", "0"), ("refused", "2")]
    link = (await administrator.get(HERE)).links()["Exporter la liste (CSV)"]
    assert "Familles (essai)" in await administrator.file(link)


async def test_imports_are_the_administrators_alone(agent: Browser) -> None:
    assert (await agent.get(HERE)).status in (403, 404)


async def test_these_pages_in_a_browser(window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "administrator", "first_name": "Ada"}))
    await window.sign_in("ada", "Guichet!2026")
    for path, picture in ((HERE, "agent-imports"), (f"{HERE}/i", "agent-import")):
        await window.open(path)
        await window.look(picture)
