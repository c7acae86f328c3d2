"""The inbox and the choice of mails, before a gateway that says what was told."""

from typing import Any

from tests.browsers import Browser
from tests.gateways import Gateway, listed
from tests.screens import Screen

INBOX, PREFERENCES = "/identity/v1/messages", "/identity/v1/me/preferences"
MESSAGE: dict[str, Any] = {
    "id": "m",
    "title": "Votre paiement est bien reçu",
    "paragraphs": ["Bonjour,", "Nous avons reçu 12,50 € pour <Léa> & Hugo."],
    "link": "/factures/1",
    "created_at": "2026-11-24T09:00:00Z",
    "read_at": None,
}
MAILS = [
    {"category": "account", "name": "La sécurité de votre compte", "wanted": True, "always": "Toujours envoyés."},
    {"category": "planning", "name": "Votre planning", "wanted": True, "always": None},
    {"category": "dossier", "name": "Votre dossier", "wanted": False, "always": None},
]


async def test_messages_are_read_marked_and_followed(claire: Browser, gateway: Gateway) -> None:
    read = MESSAGE | {"id": "r", "title": "Ancien", "link": None, "read_at": "2026-11-23T09:00:00Z"}
    gateway.say("GET", INBOX, (200, listed(MESSAGE, read) | {"unread": 1, "next_cursor": "r"}))
    gateway.say("POST", f"{INBOX}/m/read", (200, MESSAGE))
    page = await claire.get("/messages")
    assert "Nous avons reçu 12,50 € pour <Léa> & Hugo." in page.text
    assert page.links()["Ouvrir la page : Votre paiement est bien reçu"] == "/factures/1"
    assert page.links()["Messages plus anciens"] == "/messages?avant=r"
    assert page.source.count("Marquer comme lu") == 1
    older = await claire.get("/messages?avant=r")
    shown = await claire.submit(older, "/messages", lu="m")
    assert gateway.heard("POST", f"{INBOX}/m/read")
    assert shown.path == "/messages?avant=r"
    assert gateway.heard("GET", INBOX)[-1].query == {"limit": "20", "cursor": "r"}
    assert (await claire.get("/messages?avant=../x")).status == 404


async def test_unread_messages_are_told_on_the_home_page(claire: Browser, gateway: Gateway) -> None:
    assert "non lu" not in (await claire.get("/")).text
    gateway.say("GET", INBOX, (200, listed(MESSAGE) | {"unread": 2}))
    assert (await claire.get("/")).links()["Vous avez 2 messages non lus"] == "/messages"


async def test_mails_are_chosen_and_those_always_sent_have_no_box(
    claire: Browser, family_window: Screen, gateway: Gateway
) -> None:
    gateway.say("GET", PREFERENCES, (200, {"mails": MAILS}))
    gateway.say("PUT", PREFERENCES, (200, {"mails": MAILS}))
    page = await claire.get("/messages/courriels")
    assert page.form("/messages/courriels")["courriel"] == ["planning"]
    shown = await claire.submit(page, "/messages/courriels", courriel=["dossier"])
    assert [call.body for call in gateway.heard("PUT", PREFERENCES)] == [{"unwanted": ["planning"]}]
    assert "Vos choix sont enregistrés" in shown.text
    gateway.say("GET", INBOX, (200, listed(MESSAGE) | {"unread": 1}))
    await family_window.open("/messages")
    await family_window.look("messages")
    await family_window.press("Choisir les courriels que je reçois")
    await family_window.look("messages-courriels")
