"""« Mon compte »: what one changes of it, the second factor, passkeys on a device that Chromium plays."""

import json
from typing import Any

from tests.browsers import Browser
from tests.gateways import ME, Gateway
from tests.screens import Screen

FACTOR, API = "/compte/second-facteur", "/identity/v1"
MINE = ME | {"username": "claire", "email": "claire@example.org", "has_second_factor": False}
THEN = "2026-11-02T08:00:00Z"
PASSKEY = {"id": "p1", "name": "Mon téléphone", "created_at": THEN, "used_at": None}
SESSIONS = [
    {"id": "s1", "created_at": THEN, "used_at": THEN, "current": True},
    {"id": "s2", "created_at": THEN, "used_at": THEN, "current": False},
]
#: Of « claire » (32 bytes), at the browser's own domain.
CHALLENGE = "A" * 43
MAKE = {
    "rp": {"id": "localhost", "name": "Espace Familles"},
    "user": {"id": "Y2xhaXJl", "name": "claire", "displayName": "Claire Moreau"},
    "challenge": CHALLENGE,
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"},
}
USE = {"challenge": CHALLENGE, "rpId": "localhost", "userVerification": "required"}


def be(gateway: Gateway, **changes: Any) -> None:
    gateway.say("GET", f"{API}/me", (200, MINE | changes))
    gateway.say("GET", f"{API}/sessions", (200, {"items": SESSIONS}))
    gateway.say("GET", f"{API}/passkeys", (200, {"items": [PASSKEY]}))


async def test_password_email_and_connections_are_changed(claire: Browser, gateway: Gateway) -> None:
    be(gateway)
    assert "claire@example.org" in (await claire.get("/compte")).text
    wrong = {"errors": [{"pointer": "/password", "detail": "Ce n'est pas votre mot de passe."}]}
    gateway.say("PUT", f"{API}/me/password", (422, wrong), (204, None))
    page = await claire.submit(await claire.get("/compte/mot-de-passe"), "/compte/mot-de-passe")
    assert len(page.errors) == 2
    for expected in ("Ce n'est pas votre mot de passe.", "vos autres connexions sont terminées"):
        page = await claire.submit(page, "/compte/mot-de-passe", password="Avant!2026", new_password="Apres!2026")
        assert expected in page.text
    taken = {"errors": [{"pointer": "/username", "detail": "Ce nom d'utilisateur est déjà pris."}]}
    gateway.say("PATCH", f"{API}/me", (422, taken), (200, MINE))
    page = await claire.get("/compte/nom")
    for expected in ("Ce nom d'utilisateur est déjà pris.", "Votre nom d'utilisateur est changé"):
        page = await claire.submit(page, "/compte/nom", username=" claire.m ", password="x")
        assert expected in page.text
    assert gateway.heard("PATCH", f"{API}/me")[0].body == {"username": "claire.m", "password": "x"}
    gateway.say("PUT", f"{API}/me/email", (202, None))
    page = await claire.get("/compte/courriel")
    page = await claire.submit(page, "/compte/courriel", email=" c@example.org ", password="x")
    assert "Un lien a été envoyé" in page.text
    assert gateway.heard("PUT", f"{API}/me/email")[0].body == {"email": "c@example.org", "password": "x"}
    gateway.say("DELETE", f"{API}/sessions/s2", (204, None), (404, {}))
    for _ in range(2):
        page = await claire.submit(await claire.get("/compte/connexions"), "/compte/connexions", connexion="s2")
        assert "Cette connexion est terminée" in page.text


async def test_who_closes_their_account_is_signed_out(claire: Browser, gateway: Gateway) -> None:
    be(gateway)
    gateway.say("DELETE", f"{API}/me", (204, None))
    page = await claire.submit(await claire.get("/compte/fermeture"), "/compte/fermeture")
    assert page.errors == ["Indiquez votre mot de passe actuel."]
    page = await claire.submit(page, "/compte/fermeture", password="x")
    assert "Votre compte est fermé." in page.text
    assert (await claire.get("/compte")).path.startswith("/connexion")


async def test_a_family_takes_a_second_factor_and_gives_it_up(claire: Browser, gateway: Gateway) -> None:
    be(gateway)
    page = await claire.submit(await claire.get(FACTOR), FACTOR)
    assert page.errors == ["Indiquez votre mot de passe."]
    offered = {"secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}
    gateway.say("POST", f"{API}/me/totp", (201, offered))
    page = await claire.submit(page, FACTOR, password="x")
    assert gateway.heard("POST", f"{API}/me/totp")[0].body == {"password": "x"}
    assert "JBSW Y3DP EHPK 3PXP" in page.text
    assert "<svg" in page.source
    wrong = {"errors": [{"pointer": "/otp", "detail": "Ce code n'est pas le bon."}]}
    gateway.say("PUT", f"{API}/me/totp", (422, wrong), (200, {"recovery_codes": ["ABCD-EFGH"] * 10}))
    page = await claire.submit(page, f"{FACTOR}/application", code="000000")
    assert page.errors == ["Ce code n'est pas le bon."]
    page = await claire.submit(page, f"{FACTOR}/application", code="654 321")
    assert page.text.count("ABCD-EFGH") == 10
    assert gateway.heard("PUT", f"{API}/me/totp")[1].body == {"otp": "654321"}
    be(gateway, has_second_factor=True)
    gateway.say("DELETE", f"{API}/me/totp", (204, None))
    page = await claire.submit(await claire.get(FACTOR), FACTOR, password="x", otp="123 456", faire="fin")
    assert "Votre mot de passe seul est désormais demandé." in page.text
    assert gateway.heard("DELETE", f"{API}/me/totp")[0].body == {"password": "x", "otp": "123456"}


async def test_the_staff_change_theirs_but_cannot_give_it_up(agent: Browser, gateway: Gateway) -> None:
    be(gateway, role="agent", has_second_factor=True)
    page = await agent.get(FACTOR)
    assert "Désactiver" not in page.text
    gateway.say("POST", f"{API}/me/recovery-codes", (201, {"recovery_codes": ["ABCD-EFGH"] * 10}))
    page = await agent.submit(page, FACTOR, password="x", otp="123456", faire="codes")
    assert page.text.count("ABCD-EFGH") == 10


async def test_without_a_device_a_passkey_is_neither_made_nor_used(claire: Browser, gateway: Gateway) -> None:
    be(gateway)
    gateway.say("POST", f"{API}/passkeys/options", (200, {"public_key": MAKE}))
    page = await claire.submit(await claire.get("/compte/cles"), "/compte/cles", nom="Clé", password="x")
    page = await claire.submit(page, "/compte/cles/ajout")
    assert "JavaScript" in page.errors[0]
    assert not gateway.heard("POST", f"{API}/passkeys")
    gateway.say("DELETE", f"{API}/passkeys/p1", (204, None))
    page = await claire.submit(page, "/compte/cles/retrait", retirer="p1")
    assert "n'ouvre plus votre compte" in page.text
    gateway.say("POST", f"{API}/sessions/passkey/options", (200, {"public_key": USE}))
    page = await claire.submit(await claire.get("/connexion/cle"), "/connexion/cle", credential="[]")
    assert "JavaScript" in page.errors[0]


async def test_a_passkey_is_made_then_signs_in(window: Screen, gateway: Gateway) -> None:
    window.origin = window.origin.replace("127.0.0.1", "localhost")  # passkeys belong to a name
    gateway.say("POST", f"{API}/sessions", (201, gateway.tokens()))
    be(gateway)
    await window.sign_in("claire", "Villeneuve!2026")
    for path, picture in (
        ("/compte", "compte"),
        ("/compte/nom", ""),
        ("/compte/mot-de-passe", ""),
        ("/compte/courriel", ""),
        ("/compte/connexions", "compte-connexions"),
        ("/compte/fermeture", ""),
        (FACTOR, "compte-second-facteur"),
        ("/compte/cles", "compte-cles"),
    ):
        await window.open(path)
        await window.look(picture)
    await window.keep_passkeys()
    gateway.say("POST", f"{API}/passkeys/options", (200, {"public_key": MAKE}))
    gateway.say("POST", f"{API}/passkeys", (201, PASSKEY))
    await window.fill(nom="Mon téléphone", password="x")
    await window.press("Continuer")
    await window.look()
    await window.press("Créer la clé d'accès sur cet appareil")
    await window.page.wait_for_url("**/compte/cles?ajoutee")
    made = gateway.heard("POST", f"{API}/passkeys")[0].body
    assert made["name"] == "Mon téléphone"
    assert made["credential"]["response"]["attestationObject"]
    await window.press("Se déconnecter")
    gateway.say("POST", f"{API}/sessions/passkey/options", (200, {"public_key": USE}))
    gateway.say("POST", f"{API}/sessions/passkey", (401, {"detail": "Connexion refusée."}), (201, gateway.tokens()))
    await window.press("Se connecter par clé d'accès")
    await window.look("connexion-cle")
    await window.press("Utiliser ma clé d'accès")
    await window.page.wait_for_selector("[role=alert]")
    await window.press("Utiliser ma clé d'accès")
    await window.page.wait_for_url("**/")
    signed = gateway.heard("POST", f"{API}/sessions/passkey")[1].body["credential"]
    assert signed["id"] == made["credential"]["id"]
    assert json.dumps(signed["response"]).count("signature")
