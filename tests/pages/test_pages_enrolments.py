"""« Inscription » for the school year: kind → activity → child → « Inscrire », a usual week, and the end of it."""

import pytest

from deploy.local.stack import Stack
from tests.actors import PASSWORD, Family
from tests.screens import Screen, Screens


async def applied(phone: Screen) -> None:
    """Planning has answered what was asked for."""
    for _ in range(100):
        if "actualisez la page" not in await phone.text():
            return
        await phone.page.reload()
    raise AssertionError(await phone.text())


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_child_is_enrolled_with_a_usual_week_and_leaves(
    stack: Stack, screens: Screens, family: Family, scripts: bool
) -> None:
    phone = await screens.open(stack.web, scripts=scripts)
    await phone.sign_in(family.guardian.username, PASSWORD)
    await phone.press("Inscription")
    await phone.look("inscription")
    if await phone.page.get_by_text("Règlement de l'année").count():
        await phone.press("Règlement de l'année")
        await phone.look("reglement")
        if await phone.page.locator("input[name=accepte]").count():
            await phone.press("Accepter")
            assert "cochez la case" in await phone.text()
            await phone.tick("J'ai lu et j'accepte le règlement")
            await phone.press("Accepter")
        else:
            await phone.press("Revenir aux inscriptions")
    await phone.press("Restauration")
    await phone.look("inscriptions-restauration")
    card = phone.page.locator("section.card").filter(has=phone.page.locator("input[name=enfant]")).first
    await card.get_by_role("button").click()
    assert "Cochez au moins un enfant." in await phone.text()
    await phone.look("inscriptions-restauration-erreur")
    await card.locator("input[name=enfant]").first.check()
    await card.locator("summary").click()
    await card.locator("input[name=jour][value=tuesday]").check()
    await card.get_by_role("button").click()
    assert "L’inscription est faite" in await phone.text()
    await phone.look("inscription-faite")
    await phone.page.locator("a[href^='/inscriptions/annee/']").first.click()
    await applied(phone)
    text = await phone.text()
    assert "mardi" in text
    await phone.look("inscription-annee")

    await phone.page.locator("input[name=jour]:checked").first.uncheck()
    await phone.press("Enregistrer la semaine type")
    assert "Cochez au moins un jour." in await phone.text()
    await phone.look("inscription-annee-erreur")
    await phone.page.locator("input[name=jour][value=friday]").check()
    await phone.press("Enregistrer la semaine type")
    await applied(phone)
    assert "vendredi, du" in await phone.text()

    last = await phone.page.input_value("input[name=to]")
    await phone.page.locator("summary", has_text="Mettre fin").click()
    await phone.press("Mettre fin à l'inscription")
    assert "Indiquez le premier jour" in await phone.text()
    if not await phone.page.locator("input[name=depuis]").is_visible():
        await phone.page.locator("summary", has_text="Mettre fin").click()
    await phone.fill(depuis=last)
    await phone.press("Mettre fin à l'inscription")
    await applied(phone)
    assert "Terminée" in await phone.text()
    await phone.look("inscription-terminee")


async def test_a_kind_or_an_enrolment_that_is_none_is_no_page(screens: Screens, stack: Stack, family: Family) -> None:
    phone = await screens.open(stack.web)
    await phone.sign_in(family.guardian.username, PASSWORD)
    for path in ("activites/piscine", "annee/x", "annee/0190b5a0-0000-7000-8000-000000000000"):
        await phone.open(f"/inscriptions/{path}")
        assert await phone.heading() == "Page introuvable"
