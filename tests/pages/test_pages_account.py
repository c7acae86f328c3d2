"""The guide's first chapter, « Création du compte », page by page on a phone, and what goes wrong on the way."""

import re

import pytest

from deploy.local.portal import Portal
from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family, Guardian
from tests.screens import PHONE, Screen, Screens


@pytest.fixture
async def phone(stack: Stack, screens: Screens, moving_clock: Clock) -> Screen:
    return await screens.open(stack.web)


async def to_the_dossier(phone: Screen, guardian: Guardian) -> None:
    await phone.open("/")
    await phone.press("Inscrivez-vous : cliquez ici")
    await phone.fill(**guardian.names(), username=guardian.username, password=PASSWORD)
    await phone.press("Étape suivante")
    assert await phone.heading() == "Votre dossier"


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_guide_leads_from_the_first_page_to_an_account(
    stack: Stack, screens: Screens, portal: Portal, guardian: Guardian, moving_clock: Clock, scripts: bool
) -> None:
    phone = await screens.open(stack.web, scripts=scripts)
    await phone.open("/")
    await phone.press("Inscrivez-vous : cliquez ici")
    assert "Etape 1/5" in await phone.text()
    await phone.look("inscrivez-vous-1")
    await phone.fill(**guardian.names(), username=guardian.username, password="court")
    await phone.press("Étape suivante")
    assert "Le mot de passe doit comporter au moins 6 caractères." in await phone.text()
    await phone.look("inscrivez-vous-1-erreur")
    await phone.fill(password=PASSWORD)
    await phone.press("Étape suivante")

    assert "Etape 2/5" in await phone.text()
    assert await phone.page.input_value("[name=email]") == guardian.email
    await phone.look("inscrivez-vous-2")
    await phone.fill(dossier_number=guardian.number)
    await phone.press("Étape suivante")

    assert "Etape 3/5" in await phone.text()
    await phone.press("Étape suivante")
    assert "cochez la case" in await phone.text()
    await phone.look("inscrivez-vous-3")
    await phone.tick("J'ai lu et j'accepte les conditions générales d'utilisation")
    await phone.press("Étape suivante")

    assert "Etape 4/5" in await phone.text()
    await phone.tick("J'ai lu et j'accepte la politique de confidentialité de mes données personnelles")
    await phone.look("inscrivez-vous-4")
    await phone.press("Accepter")

    assert "Etape 5/5" in await phone.text()
    await phone.look("inscrivez-vous-5")
    for _ in range(4):  # back without loss
        await phone.press("Étape précédente")
    assert await phone.page.input_value("[name=first_name]") == guardian.first_name
    await phone.press("Étape suivante")
    assert "Etape 5/5" in await phone.text()
    await phone.press("Valider mon inscription")
    assert await phone.heading() == "Un lien vous a été envoyé, valable 72 heures"
    await phone.look("inscrivez-vous-lien-envoye")
    await phone.page.go_back()
    assert await phone.heading() == "Un lien vous a été envoyé, valable 72 heures"
    assert not await phone.page.evaluate("document.cookie")

    mail = await portal.mail(guardian.email, "Activez votre compte")
    letter = await screens.open(stack.web)  # as a mail program shows it
    await letter.page.set_content(mail["html"])
    assert await letter.page.evaluate("document.documentElement.scrollWidth") <= PHONE
    await letter.picture("courriel-activation")
    link = await letter.page.get_attribute("a", "href")
    assert link
    assert link in mail["text"]
    assert link.startswith(f"{stack.web}/activation?token=")
    await phone.page.goto(link)
    await phone.look("activation")
    await phone.fill(password="Faux!2026")
    await phone.press("Activer mon compte")
    assert "Ce mot de passe n'est pas celui" in await phone.text()
    await phone.look("activation-erreur")
    await phone.fill(password=PASSWORD)
    await phone.press("Activer mon compte")
    assert "Votre compte est activé : connectez-vous." in await phone.text()
    await phone.fill(login=guardian.username, password=PASSWORD)
    await phone.press("Se connecter")
    assert await phone.heading() == f"Bonjour {guardian.first_name}"
    await phone.page.goto(link)
    await phone.fill(password=PASSWORD)
    await phone.press("Activer mon compte")
    assert "Demander un nouveau lien" in await phone.text()
    await phone.look("activation-perimee")


async def test_a_wrong_email_ends_in_a_link_request_on_the_same_screen(phone: Screen, guardian: Guardian) -> None:
    guardian.email = "ancienne.adresse@example.org"
    await to_the_dossier(phone, guardian)
    await phone.fill(dossier_number=guardian.number)
    await phone.press("Étape suivante")
    assert "Etape 2/5" in await phone.text()
    assert "Ces informations ne correspondent pas" in await phone.text()
    await phone.look("inscrivez-vous-2-refuse")
    await phone.press("Demander mon rattachement")
    assert await phone.heading() == "Votre demande est envoyée"
    await phone.look("inscrivez-vous-rattachement")


async def test_a_dossier_that_has_an_account_leads_to_signing_in(phone: Screen, family: Family) -> None:
    guardian = family.guardian
    await phone.open("/inscrivez-vous")
    await phone.fill(**guardian.names(), username="un-autre-nom", password=PASSWORD)
    await phone.press("Étape suivante")
    await phone.fill(dossier_number=guardian.number)
    await phone.press("Étape suivante")
    assert "Un compte existe déjà" in await phone.text()
    await phone.press("Se connecter")
    assert await phone.heading() == "Bienvenue dans l'Espace Familles"


async def test_a_step_is_not_reached_before_the_one_before_it(phone: Screen) -> None:
    for step in ("dossier", "conditions", "confidentialite", "verification"):
        await phone.open(f"/inscrivez-vous/{step}")
        assert "Etape 1/5" in await phone.text()


async def test_a_lost_link_is_asked_for_again(phone: Screen) -> None:
    await phone.open("/aide")
    await phone.press("demandez-en un nouveau")
    await phone.press("Envoyer le lien")
    assert "Indiquez votre courriel." in await phone.text()
    await phone.look("inscrivez-vous-lien")
    await phone.fill(email="personne@example.org")
    await phone.press("Envoyer le lien")
    assert "personne@example.org" in await phone.text()
    await phone.press("Renvoyer le lien")
    assert await phone.heading() == "Un lien vous a été envoyé, valable 72 heures"


async def test_a_lost_password_is_replaced_by_a_mailed_link(phone: Screen, family: Family) -> None:
    guardian = family.guardian
    await phone.open("/connexion")
    await phone.press("Mot de passe oublié ?")
    await phone.look("mot-de-passe")
    await phone.fill(email=guardian.email)
    await phone.press("Envoyer le lien")
    assert "Si un compte existe" in await phone.text()
    await phone.look("mot-de-passe-envoye")
    mail = await family.portal.mail(guardian.email, "Choisissez un nouveau mot de passe")
    link = re.search(r"(/mot-de-passe\?token=\S+)", mail["text"])
    assert link
    await phone.open(link[1])
    assert guardian.username in await phone.text()
    await phone.fill(new_password="court")
    await phone.press("Changer mon mot de passe")
    assert "au moins 6 caractères" in await phone.text()
    await phone.look("mot-de-passe-nouveau")
    await phone.fill(new_password="Nouveau!2027")
    await phone.press("Changer mon mot de passe")
    assert "Votre mot de passe est changé" in await phone.text()
    await phone.fill(login=guardian.username, password="Nouveau!2027")
    await phone.press("Se connecter")
    assert await phone.heading() == f"Bonjour {guardian.first_name}"
    await phone.open(link[1])
    assert "Ce lien a déjà servi" in await phone.text()
    await phone.look("mot-de-passe-perime")
