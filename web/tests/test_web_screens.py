"""Every page of the foundation in Chromium, in each of its states; with scripts and without."""

from typing import Any

import pytest

from tests.gateways import ME, Gateway
from tests.screens import Screen, Screens


def moment(until: str, *, still_open: bool = True) -> dict[str, Any]:
    return {"until": until, "in_words": "", "open": still_open}


LEGAL = {"version": "2026-09", "title": "Conditions générales d'utilisation", "text": "Un.\n\nDeux.\n"}
DEADLINES = {
    "activities": [
        {
            "activity_name": "Restauration",
            "booking_in_words": "le jour ouvré précédent à 9 h",
            "cancellation_in_words": "2 jours ouvrés avant, à 9 h",
            "days": [
                {
                    "date": "2026-12-01",
                    "booking": moment("2026-11-26T08:00:00Z", still_open=False),
                    "cancellation": moment("2026-11-26T08:00:00Z", still_open=False),
                },
                {
                    "date": "2026-11-30",
                    "booking": moment("2026-11-27T08:00:00Z"),
                    "cancellation": moment("2026-11-26T08:00:00Z"),
                },
            ],
        },
        {"activity_name": "Étude", "booking_in_words": "la veille", "cancellation_in_words": "la veille", "days": []},
    ],
    "holiday_weeks": [
        {
            "activity_name": "Accueil de loisirs",
            "name": "Vacances de Noël, semaine du 21 décembre",
            "booking": moment("2026-12-11T22:59:59Z"),
            "cancellation": moment("2026-12-11T22:59:59Z"),
        }
    ],
}


@pytest.mark.parametrize("scripts", [True, False])
async def test_signing_in_wrongly_then_rightly_and_out(
    screens: Screens, pages: str, gateway: Gateway, scripts: bool
) -> None:
    window = await screens.open(pages, scripts=scripts)
    await window.open("/")
    await window.look("connexion")
    await window.press("Se connecter")
    assert "Indiquez votre nom d'utilisateur." in await window.text()
    assert await window.page.evaluate("document.activeElement.id") == "erreurs"
    await window.look("connexion-erreur")
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    gateway.say("DELETE", "/identity/v1/sessions/current", (204, None))
    await window.fill(login="claire", password="Villeneuve!2026")
    await window.press("Se connecter")
    assert await window.heading() == "Bonjour Claire"
    await window.look()
    await window.press("Se déconnecter")
    assert "Vous êtes déconnecté." in await window.text()
    assert not await window.page.context.cookies() or "Bonjour" not in await window.text()


@pytest.mark.parametrize("name", ["aide", "accessibilite", "mentions-legales", "donnees-personnelles"])
async def test_what_anybody_may_read(window: Screen, gateway: Gateway, name: str) -> None:
    for kind in ("terms", "privacy"):
        gateway.say("GET", f"/identity/v1/legal/{kind}", (200, LEGAL))
    await window.open(f"/{name}")
    assert "Espace Familles" in await window.page.title()
    await window.look(name)


async def test_every_deadline_is_on_one_page(family_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", "/planning/v1/deadlines", (200, DEADLINES))
    await family_window.open("/delais")
    text = await family_window.text()
    assert "Restauration" in text
    assert "lundi 30 novembre 2026 : à réserver avant vendredi 27 novembre 2026 à 9 h" in text.replace("\xa0", " ")
    assert "mardi 1er décembre" not in text, "its deadline has passed"
    assert "Vacances de Noël" in text
    await family_window.look("delais")


@pytest.mark.parametrize(("status", "heading"), [(404, "Page introuvable"), (429, "Trop de demandes")])
async def test_pages_of_errors(family_window: Screen, gateway: Gateway, status: int, heading: str) -> None:
    gateway.refuse("GET", "/planning/v1/deadlines", status)
    await family_window.open("/delais")
    assert await family_window.heading() == heading
    assert "01 99 00 12 34" in await family_window.text()
    await family_window.look(f"erreur-{status}")


async def test_a_session_that_ends_in_a_form_leads_back_to_what_was_typed(family_window: Screen) -> None:
    await family_window.page.context.clear_cookies()
    await family_window.press("Se déconnecter")
    assert await family_window.heading() == "Reprendre votre saisie"
    await family_window.look("reprendre")


async def test_a_form_that_was_refused_may_be_reloaded(window: Screen) -> None:
    await window.open("/mot-de-passe")
    await window.press("Envoyer le lien")
    await window.page.reload()
    assert "Indiquez votre courriel." in await window.text()
    await window.look()


async def test_another_email_is_confirmed(window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/email-confirmations", (204, None))
    await window.open("/courriel?token=a-secret")
    await window.look("courriel")
    await window.press("Confirmer cette adresse")
    assert "Adresse confirmée" in await window.text()
    await window.look("courriel-confirme")
    gateway.refuse("POST", "/identity/v1/email-confirmations", 410, "Ce lien a déjà servi.")
    await window.open("/courriel?token=a-secret")
    await window.press("Confirmer cette adresse")
    assert "Ce lien a déjà servi." in await window.text()
    await window.look()


async def test_an_account_of_the_staff_is_taken(window: Screen, gateway: Gateway) -> None:
    invited, key = "/identity/v1/staff-invitations/a-secret", "JBSWY3DPEHPK3PXP"
    uri = f"otpauth://totp/Espace%20Familles:luc.petit?secret={key}&issuer=Espace%20Familles"
    gateway.say("GET", invited, (200, {"username": "luc.petit", "first_name": "Luc", "secret": key, "uri": uri}))
    gateway.say("PUT", invited, (200, {"recovery_codes": ["ABCD-EFGH-JKLM-NPQR"] * 10}))
    await window.open("/agent/activation?token=a-secret")
    await window.look("agent-activation")
    await window.press("Ouvrir mon compte")
    assert "Choisissez un mot de passe." in await window.text()
    await window.look()
    await window.page.fill("#new_password", "Guichet!2026")
    await window.page.fill("#otp", "123456")
    await window.press("Ouvrir mon compte")
    assert "ABCD-EFGH-JKLM-NPQR" in await window.text()
    await window.look("agent-codes")
