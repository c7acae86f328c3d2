"""A family's copy of all that is held about it, as one archive."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from web.pages.personal_data import SERVICES

from tests.browsers import Browser
from tests.gateways import DOSSIER, Gateway, listed

DOCUMENT = {"id": "d", "kind": "assurance", "media_type": "application/pdf"}
PRIVACY, TEXT = "/identity/v1/legal/privacy", {"kind": "privacy", "version": "1", "title": "Vos données", "text": "..."}
FILE = "/dossier/v1/documents/d"
CHILDREN = {one["id"]: one["first_name"] for one in DOSSIER["children"]}
LIST = f"/dossier/v1/dossiers/{DOSSIER['id']}/documents"


def answers(gateway: Gateway) -> None:
    gateway.say("GET", PRIVACY, (200, TEXT))
    for service in SERVICES:
        held = [{"name": "Prêts", "table": "loans", "rows": [{"id": service}]}]
        gateway.say("GET", f"/{service}/v1/me/export", (200, {"service": service, "held": held}))
    for child_id in CHILDREN:
        gateway.say("GET", f"/dossier/v1/children/{child_id}/health", (200, {"allergies": "œufs"}))
    gateway.say("GET", LIST, (200, listed(DOCUMENT)))
    gateway.say("GET", FILE, (200, "%PDF"))


def download(browser: Browser) -> Any:
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return browser.client.get(f"{browser.origin}/donnees-personnelles/copie", headers={"Cookie": cookie})


async def test_everything_comes_in_one_file(claire: Browser, gateway: Gateway) -> None:
    answers(gateway)
    page = await claire.get("/donnees-personnelles")
    assert page.links()["Télécharger mes données"] == "/donnees-personnelles/copie"
    async with download(claire) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/zip"
        assert "mes-donnees.zip" in answer.headers["Content-Disposition"]
        archive = ZipFile(BytesIO(await answer.read()))
    assert archive.testzip() is None
    assert set(archive.namelist()) == {
        "LISEZ-MOI.txt",
        *(f"{name}.json" for name in SERVICES.values()),
        *(f"sante/{name}-{child_id}.json" for child_id, name in CHILDREN.items()),
        "justificatifs/assurance-d.pdf",
    }
    assert json.loads(archive.read("planning.json"))["held"][0]["rows"] == [{"id": "planning"}]
    assert "œufs" in archive.read(next(name for name in archive.namelist() if name.startswith("sante"))).decode()


async def test_half_a_copy_is_none_but_a_document_that_is_gone_is_named(claire: Browser, gateway: Gateway) -> None:
    answers(gateway)
    gateway.refuse("GET", FILE, 404)
    async with download(claire) as answer:
        archive = ZipFile(BytesIO(await answer.read()))
    assert "guichet" in archive.read("justificatifs/assurance-d.txt").decode()
    gateway.refuse("GET", "/billing/v1/me/export", 503)
    assert (await claire.get("/donnees-personnelles/copie")).status == 503


async def test_who_is_not_signed_in_is_asked_to_be(browser: Browser, gateway: Gateway) -> None:
    gateway.say("GET", PRIVACY, (200, TEXT))
    page = await browser.get("/donnees-personnelles")
    assert "Télécharger mes données" not in page.links()
    assert "connectez-vous" in page.text
    assert (await browser.get("/donnees-personnelles/copie")).path.startswith("/connexion")
