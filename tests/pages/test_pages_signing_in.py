"""The pages on a whole stack: what a family does there is done, and read back by them."""

from deploy.local.stack import Stack
from tests.actors import PASSWORD, Family
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
