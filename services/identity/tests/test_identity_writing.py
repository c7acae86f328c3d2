"""Who gets a notice."""

import pytest
from chassis.identifiers import named_id, new_id
from chassis.parking import NotYetKnown
from contracts import enrolment

from services.identity.tests.portal import Portal, body, moreau, notice

MOREAU = named_id("dossier", "100042")


async def test_a_familys_notice_is_mailed_in_text_and_html(portal: Portal) -> None:
    await portal.hear(notice())
    (mail,) = await portal.mails()
    assert mail["To"] == "sophie.martin@example.org"
    assert mail["From"] == "Espace Familles <espace@familles.example.org>"
    assert mail["Subject"] == "Votre paiement est bien reçu"
    assert "Nous avons reçu 12,50 € pour <Léa> & Hugo." in body(mail, "plain")
    assert "https://familles.example.org/factures/1" in body(mail, "plain")
    assert "La mairie de Villeneuve-sur-Bièvre" in body(mail, "plain")
    assert "12,50 € pour &lt;Léa&gt; &amp; Hugo." in body(mail, "html")
    assert 'href="https://familles.example.org/factures/1"' in body(mail, "html")


async def test_a_mail_is_sent_once_and_its_text_then_blanked(portal: Portal) -> None:
    await portal.hear(notice())
    assert len(await portal.mails()) == 1
    assert len(await portal.mails()) == 1
    assert await portal.scalars("SELECT paragraphs::text || coalesce(link, '') FROM notices") == ["[]"]


async def test_a_notice_told_twice_is_one_mail(portal: Portal) -> None:
    told = notice()
    await portal.hear(told)
    await portal.hear(told)
    await portal.hear(desk := notice(desk=True))
    await portal.hear(desk)
    assert len(await portal.mails()) == 2


async def test_every_account_of_the_dossier_gets_it_and_a_shared_address_once(portal: Portal) -> None:
    claire = moreau().adults[0]
    paul = claire.model_copy(update={"adult_id": named_id("adult", "100042", "2"), "first_name": "Paul"})
    luc = claire.model_copy(
        update={"adult_id": named_id("adult", "100042", "3"), "first_name": "Luc", "email": "luc@example.org"}
    )
    await portal.hear(moreau(2, adults=(claire, paul, luc)))
    for adult in (claire, paul, luc):
        email = adult.email or ""
        _, given = await portal.claim(first_name=adult.first_name, email=email)
        await portal.register(given["dossier_claim"], username=adult.first_name, email=email)
        await portal.activate(await portal.link())
    portal.mailbox.mails.clear()
    await portal.hear(notice(dossier_id=named_id("dossier", "100042")))
    assert sorted(mail["To"] for mail in await portal.mails()) == ["claire.moreau@example.org", "luc@example.org"]


async def test_a_guardian_without_account_is_mailed_where_the_dossier_knows_how(portal: Portal) -> None:
    await portal.register()  # a pending account reads nothing yet
    await portal.hear(notice(dossier_id=MOREAU))
    to = [(mail["To"], mail["Subject"]) for mail in await portal.mails()]
    assert to == [
        ("claire.moreau@example.org", "Activez votre compte Espace Familles"),
        ("claire.moreau@example.org", notice().title),
    ]


async def test_a_family_that_no_mail_reaches_gets_one_letter(portal: Portal) -> None:
    claire = moreau().adults[0].model_copy(update={"email": None})
    paul = claire.model_copy(update={"adult_id": named_id("adult", "100042", "2"), "first_name": "Paul"})
    await portal.hear(moreau(2, adults=(claire, paul)))
    await portal.hear(notice(dossier_id=MOREAU))
    assert await portal.mails() == []
    assert await portal.scalars("SELECT title FROM notices WHERE status = 'to_print'") == [notice().title]
    await portal.hear(moreau(3, adults=(claire, paul.model_copy(update={"email": "paul@example.org"}))))
    await portal.hear(notice(dossier_id=MOREAU))
    assert [mail["To"] for mail in await portal.mails()] == ["paul@example.org"]


async def test_a_notice_to_a_family_that_is_not_known_yet_waits_for_it(portal: Portal) -> None:
    told = notice(dossier_id=named_id("dossier", "100043"))
    with pytest.raises(NotYetKnown):
        await portal.hear(told)
    assert await portal.scalars("SELECT count(*) FROM notices") == [0]
    await portal.hear(moreau(dossier_id=told.dossier_id, number="100043"))
    await portal.hear(told)
    assert len(await portal.mails()) == 1


async def test_what_is_for_an_account_that_is_closed_is_for_nobody(portal: Portal) -> None:
    await portal.hear(notice(account_id=new_id()))
    assert await portal.scalars("SELECT count(*) FROM notices") == [0]


async def test_the_desk_and_a_single_account_get_theirs(portal: Portal) -> None:
    event = notice(desk=True)
    await portal.hear(enrolment.NoticeWritten.model_validate(event.model_dump()))
    await portal.hear(notice(account_id=named_id("account", "diallo")))
    assert sorted(mail["To"] for mail in await portal.mails()) == ["guichet@example.org", "mamadou.diallo@example.org"]


@pytest.mark.parametrize("most", range(5, 14))
async def test_a_long_subject_is_read_as_it_was_written(portal: Portal, most: int) -> None:
    words = ["La", "clé", "d'accès", "«", "Téléphone", "»", "a", "été", "ajoutée", "à", "votre", "été", "à", "l'école"]
    title = " ".join(words[:most])
    await portal.hear(notice(title=title, dossier_id=named_id("dossier", "100001")))
    (mail,) = await portal.mails()
    assert mail["Subject"] == title
