"""The pages on a whole stack: what a family does there is done, and read back by them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from web.session import NAME

from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family
from tests.browsers import Browser, Page
from tests.screens import Screens


async def test_a_family_signs_in_and_reads_the_deadlines(stack: Stack, screens: Screens, family: Family) -> None:
    window = await screens.open(stack.web)
    await window.open("/delais")
    assert await window.heading() == "Bienvenue dans l'Espace Familles"
    await window.fill(login=family.guardian.username, password=PASSWORD)
    await window.press("Se connecter")
    assert await window.heading() == "Délais de réservation et de modification des activités"
    await window.look("delais")
    for name in ("aide", "accessibilite", "mentions-legales", "donnees-personnelles"):
        await window.open(f"/{name}")
        await window.look()
    for path in ("/", "/dossier"):
        await window.open(path)
        await window.look()
    await window.press("Se déconnecter")
    assert "Vous êtes déconnecté." in await window.text()


async def test_a_passkey_that_a_family_makes_signs_it_in(stack: Stack, screens: Screens, family: Family) -> None:
    window = await screens.open(stack.web)
    await window.keep_passkeys()
    await window.sign_in(family.guardian.username, PASSWORD)
    await window.open("/compte/cles")
    await window.fill(nom="Mon téléphone", password=PASSWORD)
    await window.press("Continuer")
    await window.press("Créer la clé d'accès sur cet appareil")
    await window.page.wait_for_url("**/compte/cles?ajoutee")
    await window.press("Se déconnecter")
    await window.press("Se connecter par clé d'accès")
    await window.press("Utiliser ma clé d'accès")
    await window.page.wait_for_url("**/")
    assert await window.heading() == f"Bonjour {family.guardian.first_name}"


async def test_one_browsers_wrong_sign_ins_slow_no_other(stack: Stack, family: Family) -> None:
    login = family.guardian.username

    async def sign_in(browser: Browser, password: str) -> Page:
        page = await browser.get("/connexion")
        return await browser.submit(page, "/connexion", login=login, password=password)

    async with at_home(stack, "127.0.1.1") as theirs, at_home(stack, "127.0.1.2") as ours:
        answers = [(await sign_in(theirs, "Faux!2026")).status for _ in range(50)]
        assert answers == [422] * 10 + [429] * 40
        refused = await sign_in(theirs, PASSWORD)
        assert (refused.status, refused.heading) == (429, "Trop de demandes")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await sign_in(ours, PASSWORD)).heading == f"Bonjour {family.guardian.first_name}"


async def test_two_tabs_whose_session_is_about_to_end_both_go_on(
    stack: Stack, family: Family, moving_clock: Clock
) -> None:
    async with at_home(stack, "127.0.1.3") as browser:
        page = await browser.get("/connexion")
        await browser.submit(page, "/connexion", login=family.guardian.username, password=PASSWORD)
        before = browser.cookies[NAME]
        moving_clock.advance(minutes=9, seconds=30)
        tabs = await asyncio.gather(*(browser.get(path) for path in ("/", "/dossier", "/delais")))
        assert [tab.status for tab in tabs] == [200, 200, 200]
        assert [tab.path for tab in tabs] == ["/", "/dossier", "/delais"]
        assert browser.cookies[NAME] != before
        moving_clock.advance(minutes=9, seconds=30)
        assert (await browser.get("/")).path == "/"


@asynccontextmanager
async def at_home(stack: Stack, address: str) -> AsyncIterator[Browser]:
    """A browser that calls from that address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield Browser(client, stack.web)
