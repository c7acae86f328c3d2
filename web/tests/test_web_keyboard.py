"""The pages by keyboard alone: everything is reached, and one sees where one is."""

from tests.gateways import ME, Gateway
from tests.screens import Screen


async def test_a_family_signs_in_reads_its_dossier_and_signs_out_by_keyboard(window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    gateway.say("DELETE", "/identity/v1/sessions/current", (204, None))
    await window.open("/")
    await window.tab_to("Aller au contenu")
    await window.page.keyboard.press("Enter")
    await window.tab_to("login")
    await window.page.keyboard.type("claire")
    await window.tab_to("password")
    await window.page.keyboard.type("Villeneuve!2026")
    await window.strike()
    assert await window.heading() == "Bonjour Claire"
    await window.tab_to("Mon dossier")
    await window.strike()
    assert await window.heading() == "Mon dossier"
    await window.tab_to("Se déconnecter")
    await window.strike()
    assert "Vous êtes déconnecté." in await window.text()


async def test_after_a_refusal_the_keyboard_is_at_the_summary_and_leads_to_the_input(window: Screen) -> None:
    await window.open("/mot-de-passe")
    await window.tab_to("email")
    await window.strike()
    assert await window.page.evaluate("document.activeElement.id") == "erreurs"
    await window.tab_to("Indiquez votre courriel.")
    await window.page.keyboard.press("Enter")
    assert await window.page.evaluate("document.activeElement.name") == "email"
