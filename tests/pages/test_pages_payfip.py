"""The stand-in's payment page as a person uses it, and where it sends them back."""

import pytest

from deploy.local.stack import Stack
from tests.actors import Family
from tests.screens import Screens


@pytest.mark.parametrize(
    ("button", "becomes"), [("Payer", "succeeded"), ("Refuser", "failed"), ("Abandonner", "abandoned")]
)
async def test_a_family_pays_refuses_or_gives_up_and_comes_back(
    stack: Stack, screens: Screens, family: Family, button: str, becomes: str
) -> None:
    billed = await family.billed()
    payment = await family.portal.open_payment(billed["invoice_id"])
    window = await screens.open(stack.web)
    await window.page.goto(payment["redirect_url"])
    text = await window.text()
    assert "Montant" in text
    assert "Espace Familles" in text
    await window.is_accessible()
    await window.picture("payfip")
    await window.press(button)
    assert window.page.url.startswith(stack.web)
    assert payment["payment_id"] in window.page.url
    await family.portal.payment_when(payment["payment_id"], becomes)
