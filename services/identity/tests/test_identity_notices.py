"""Who gets a notice, and its delivery by real SMTP."""

import asyncio
from email.message import EmailMessage
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts import billing, enrolment
from identity.notices import deliver

from services.identity.tests.portal import Portal, moreau

MARTIN = named_id("dossier", "100001")


def notice(**whom: Any) -> billing.NoticeWritten:
    told = {
        "notice_id": new_id(),
        "title": "Votre paiement est bien reçu",
        "paragraphs": ("Bonjour,", "Nous avons reçu 12,50 € pour <Léa> & Hugo."),
        "link": "/factures/1",
    }
    return billing.NoticeWritten.model_validate(told | (whom or {"dossier_id": MARTIN}))


def body(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


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


async def test_a_family_without_account_gets_a_letter(portal: Portal) -> None:
    await portal.register()  # a pending account reads nothing yet
    await portal.hear(notice(dossier_id=named_id("dossier", "100042")))
    await portal.hear(notice(account_id=new_id()))
    assert [mail["Subject"] for mail in await portal.mails()] == ["Activez votre compte Espace Familles"]
    assert await portal.scalars("SELECT title FROM notices WHERE status = 'to_print'") == [notice().title] * 2


async def test_the_desk_and_a_single_account_get_theirs(portal: Portal) -> None:
    event = notice(desk=True)
    await portal.hear(enrolment.NoticeWritten.model_validate(event.model_dump()))
    await portal.hear(notice(account_id=named_id("account", "diallo")))
    assert sorted(mail["To"] for mail in await portal.mails()) == ["guichet@example.org", "mamadou.diallo@example.org"]


async def test_mail_trouble_is_retried_later_with_the_same_message_id(portal: Portal) -> None:
    await portal.hear(notice())
    portal.mailbox.trouble = "451 later"
    assert await portal.mails() == []
    portal.mailbox.trouble = None
    assert await portal.mails() == []  # not at once
    (kept,) = await portal.scalars("SELECT id FROM notices")
    portal.later(seconds=3)
    (mail,) = await portal.mails()
    assert mail["Message-ID"] == f"<{kept}@familles.example.org>"


async def test_each_failure_puts_the_next_try_off_twice_as_long(portal: Portal) -> None:
    portal.settings.smtp_url = "smtp://127.0.0.1:9"  # nobody listens
    await portal.hear(notice())
    waits, elapsed = [], 0
    for _ in range(3):
        await deliver(portal.database, portal.settings)
        (wait,) = await portal.scalars("SELECT round(extract(epoch FROM next_at - created_at)) FROM notices")
        waits.append(int(wait) - elapsed)
        elapsed = int(wait) + 1
        portal.later(seconds=elapsed)
    assert waits == pytest.approx([2, 4, 8], abs=2)
    assert await portal.scalars("SELECT attempts FROM notices") == [3]


async def test_a_mail_refused_for_good_and_one_refused_for_three_days_become_letters(portal: Portal) -> None:
    await portal.hear(notice())
    portal.mailbox.trouble = "550 no such mailbox"
    assert await portal.mails() == []
    assert await portal.scalars("SELECT status FROM notices") == ["to_print"]
    await portal.hear(notice(desk=True))
    portal.mailbox.trouble = "451 later"
    await portal.mails()
    portal.later(hours=73)
    await portal.mails()
    assert await portal.scalars("SELECT status FROM notices") == ["to_print"] * 2


async def test_one_bad_notice_does_not_hold_up_the_others(portal: Portal) -> None:
    bad = notice(dossier_id=named_id("dossier", "100002"))
    await portal.hear(bad)
    await portal.hear(notice())
    async with portal.database.sessions.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(f"UPDATE notices SET email = 'a\nb' WHERE notice_id = '{bad.notice_id}'")
    await portal.mails()
    assert [mail["To"] for mail in await portal.mails()] == ["sophie.martin@example.org"]


async def test_several_workers_send_each_mail_once(portal: Portal) -> None:
    for _ in range(20):
        await portal.hear(notice())
    await asyncio.gather(*(deliver(portal.database, portal.settings) for _ in range(4)))
    identifiers = [mail["Message-ID"] for mail in await portal.mails()]
    assert len(identifiers) == len(set(identifiers)) == 20
