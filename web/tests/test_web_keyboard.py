"""The pages by keyboard alone: everything is reached, and one sees where one is."""

from tests.gateways import ME, Gateway
from tests.screens import Screen

_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const seen = style.outlineStyle !== "none" && one.getBoundingClientRect().top >= 0;
  return {name: (one.name || one.innerText || "").trim(), seen};
}"""


async def tab_to(window: Screen, name: str, most: int = 40) -> None:
    """Press Tab until the input, button or link of that name is reached; each stop on the way is visible."""
    for _ in range(most):
        await window.page.keyboard.press("Tab")
        focus = await window.page.evaluate(_FOCUS)
        assert focus["seen"], f"one does not see that « {focus['name']} » has the focus"
        if focus["name"].split("\n")[0] == name:
            return
    raise AssertionError(f"« {name} » is not reached by keyboard")


async def press(window: Screen, key: str = "Enter") -> None:
    async with window.page.expect_navigation():
        await window.page.keyboard.press(key)


async def test_a_family_signs_in_reads_its_dossier_and_signs_out_by_keyboard(window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    gateway.say("DELETE", "/identity/v1/sessions/current", (204, None))
    await window.open("/")
    await tab_to(window, "Aller au contenu")
    await window.page.keyboard.press("Enter")
    await tab_to(window, "login")
    await window.page.keyboard.type("claire")
    await tab_to(window, "password")
    await window.page.keyboard.type("Villeneuve!2026")
    await press(window)
    assert await window.heading() == "Bonjour Claire"
    await tab_to(window, "Mon dossier")
    await press(window)
    assert await window.heading() == "Mon dossier"
    await tab_to(window, "Se déconnecter")
    await press(window)
    assert "Vous êtes déconnecté." in await window.text()


async def test_after_a_refusal_the_keyboard_is_at_the_summary_and_leads_to_the_input(window: Screen) -> None:
    await window.open("/mot-de-passe")
    await tab_to(window, "email")
    await press(window)
    assert await window.page.evaluate("document.activeElement.id") == "erreurs"
    await tab_to(window, "Indiquez votre courriel.")
    await window.page.keyboard.press("Enter")
    assert await window.page.evaluate("document.activeElement.name") == "email"
