"""« Demander un dossier », before a gateway that takes the request or says what is wrong with it."""

from tests.browsers import Browser
from tests.gateways import Gateway
from tests.screens import Screen

HERE, API = "/demande-de-dossier", "/identity/v1/dossier-requests"
WHO = {
    "first_name": "Anne",
    "last_name": "O'Neill",
    "email": "anne@example.org",
    "street": "3 rue des Lilas",
    "postcode": "94990",
    "city": "Villeneuve",
}
TOM = {"first_name": "Tom", "last_name": "O'Neill", "birth_date": "2019-05-02"}


def child(position: int, **said: str) -> dict[str, str]:
    return {f"enfant-{position}-{name}": value for name, value in said.items()}


async def test_a_family_asks_for_itself_and_its_children(browser: Browser, gateway: Gateway) -> None:
    gateway.say("POST", API, (202, None))
    start = await browser.get("/connexion")
    page = await browser.get(start.links()["Demandez un dossier"])
    page = await browser.submit(page, HERE, ajouter="oui", **WHO, **child(0, **TOM))
    assert (page.status, page.errors) == (200, [])
    page = await browser.submit(page, HERE, **child(1, **TOM | {"first_name": "Ana"}))
    assert page.heading == "Votre demande est envoyée"
    [sent] = gateway.heard("POST", API)
    address = {name: WHO[name] for name in ("street", "postcode", "city")}
    asked = {name: WHO[name] for name in ("first_name", "last_name", "email")}
    assert sent.body == asked | {"address": address, "children": [TOM, TOM | {"first_name": "Ana"}]}


async def test_what_is_wrong_is_said_beside_its_input(browser: Browser, gateway: Gateway) -> None:
    page = await browser.get(HERE)
    page = await browser.submit(page, HERE, **WHO)
    assert page.errors == ["Indiquez au moins un enfant : son prénom, son nom et sa date de naissance."]
    page = await browser.submit(page, HERE, **child(0, first_name="Tom", last_name="O'Neill"))
    assert page.errors == ["Indiquez la date de naissance de l'enfant."]
    assert not gateway.heard("POST", API)
    errors = [
        {"pointer": "/children/0/birth_date", "detail": "À venir."},
        {"pointer": "/address/city", "detail": "Où ?"},
    ]
    gateway.refuse("POST", API, 422, errors=errors)
    page = await browser.submit(page, HERE, ajouter="oui", **child(0, **TOM))
    page = await browser.submit(page, HERE, **child(0, first_name="", last_name="", birth_date=""), **child(1, **TOM))
    assert page.errors == ["À venir.", "Où ?"]
    summary = [one.get("href") for one in page.all("a") if one.get("href", "").startswith("#")]
    assert {"#enfant-1-birth_date", "#city"} <= set(summary), "of the child who is first said"


async def test_the_form_is_looked_at(window: Screen) -> None:
    await window.open(HERE)
    await window.press("Envoyer ma demande")
    await window.look("demande-de-dossier-erreur")
