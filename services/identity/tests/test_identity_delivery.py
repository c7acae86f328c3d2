"""The delivery of notices by real SMTP, whatever the server answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from chassis.identifiers import named_id
from identity.notices.delivery import LEASE, deliver

from services.identity.tests.portal import Portal, body, martin, notice


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


@pytest.mark.parametrize("answer", ["550 5.1.1 unknown user", "550 no such mailbox", "552 5.2.2 mailbox full"])
async def test_a_refused_address_gets_a_letter_at_once_and_the_desk_is_told(portal: Portal, answer: str) -> None:
    portal.mailbox.refused["sophie.martin@example.org"] = answer
    await portal.hear(martin())
    await portal.hear(notice())
    await portal.hear(notice(dossier_id=named_id("dossier", "100002")))
    mails = await portal.mails()
    assert sorted(mail["To"] for mail in mails) == ["guichet@example.org", "mamadou.diallo@example.org"]
    (told,) = [mail for mail in mails if mail["To"] == "guichet@example.org"]
    assert told["Subject"] == "Un courriel est refusé"
    for word in (
        "Une lettre est à imprimer",
        "sophie.martin@example.org",
        "dossier 100001",
        "Votre paiement est bien reçu",
    ):
        assert word in body(told, "plain")
    assert await portal.scalars("SELECT status FROM notices ORDER BY status") == ["sent", "sent", "to_print"]
    assert len(await portal.mails()) == 2


async def test_a_message_refused_for_good_is_a_letter_too(portal: Portal) -> None:
    await portal.hear(martin())
    await portal.hear(notice())
    portal.mailbox.trouble = "554 5.6.0 message refused"
    assert await portal.mails() == []
    assert await portal.scalars("SELECT status FROM notices ORDER BY status") == ["to_print", "to_send"]
    portal.mailbox.trouble = None
    portal.later(seconds=3)
    assert [mail["To"] for mail in await portal.mails()] == ["guichet@example.org"]


async def test_the_desks_own_address_is_a_setting_to_put_right_and_nobody_is_told_of_it(portal: Portal) -> None:
    portal.mailbox.refused["guichet@example.org"] = "550 5.1.1 unknown user"
    await portal.hear(notice(desk=True))
    assert await portal.mails() == []
    assert await portal.scalars("SELECT status FROM notices") == ["to_send"]
    portal.later(hours=73)
    assert await portal.mails() == []
    assert await portal.scalars("SELECT status FROM notices") == ["undeliverable"]


async def test_a_link_that_lets_somebody_in_is_never_a_letter(portal: Portal) -> None:
    """The desk would read it; and it is over before the post arrives."""
    portal.mailbox.refused["claire.moreau@example.org"] = "550 5.1.1 unknown user"
    await portal.register()
    await portal.mails()
    (told,) = await portal.mails()
    assert "Aucune lettre ne peut le remplacer" in body(told, "plain")
    kept = "SELECT status || ' ' || paragraphs::text || coalesce(link, '') FROM notices WHERE NOT to_desk"
    assert await portal.scalars(kept) == ["undeliverable []"]


@pytest.mark.parametrize("answer", ["451 later", "450 4.2.0 greylisted", "550 5.7.1 relaying denied", "452 4.2.2 full"])
async def test_an_address_that_is_only_put_off_is_tried_again(portal: Portal, answer: str) -> None:
    """Also where the server refuses us and not the address: relaying denied is our own wrong setting."""
    portal.mailbox.refused["sophie.martin@example.org"] = answer
    await portal.hear(notice())
    assert await portal.mails() == []
    assert await portal.scalars("SELECT status FROM notices") == ["to_send"]
    portal.mailbox.refused.clear()
    portal.later(seconds=3)
    assert [mail["To"] for mail in await portal.mails()] == ["sophie.martin@example.org"]


@asynccontextmanager
async def answering(greeting: str, **answers: str) -> AsyncIterator[int]:
    """The port of a mail server that greets so, and answers so to these commands, 250 to others."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{greeting}\r\n".encode())
        while line := await reader.readline():
            word = line.split()[0].decode().upper()
            writer.write(f"{answers.get(word, '250 OK')}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("greeting", "answers"),
    [
        ("554 5.3.2 no mail service here", {}),
        ("421 too busy", {}),
        ("220 hello", {"EHLO": "550 go away", "HELO": "550 go away"}),
        ("220 hello", {"EHLO": "250-hello\r\n250 AUTH PLAIN LOGIN", "AUTH": "535 5.7.8 wrong password"}),
        ("220 hello", {"EHLO": "250-hello\r\n250 AUTH PLAIN", "AUTH": "235 OK", "MAIL": "553 5.7.1 not your address"}),
    ],
)
async def test_a_server_that_refuses_us_delays_and_gives_nothing_up(
    portal: Portal, greeting: str, answers: dict[str, str]
) -> None:
    await portal.hear(notice())
    async with answering(greeting, **answers) as port:
        portal.settings.smtp_url = f"smtp://espace:wrong@127.0.0.1:{port}"
        await deliver(portal.database, portal.settings)
    assert await portal.scalars("SELECT status || ' ' || attempts FROM notices") == ["to_send 1"]
    portal.settings.smtp_url = f"smtp://127.0.0.1:{portal.mailbox.port}"
    portal.later(seconds=3)
    assert len(await portal.mails()) == 1


async def test_what_no_server_took_for_three_days_becomes_a_letter_and_the_desk_knows(portal: Portal) -> None:
    await portal.hear(martin())
    await portal.hear(notice())
    portal.mailbox.trouble = "451 later"
    await portal.mails()
    portal.later(hours=73)
    await portal.mails()
    assert await portal.scalars("SELECT status FROM notices ORDER BY status") == ["to_print", "to_send"]
    portal.mailbox.trouble = None
    portal.later(hours=74)
    assert [mail["To"] for mail in await portal.mails()] == ["guichet@example.org"]


async def test_no_transaction_is_open_while_smtp_talks_and_no_other_worker_sends_the_same(portal: Portal) -> None:
    await portal.hear(notice())
    open_transactions: list[int] = []

    async def look() -> None:
        portal.mailbox.meanwhile = None
        open_transactions.extend(
            await portal.scalars(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            )
        )
        await deliver(portal.database, portal.settings)

    portal.mailbox.meanwhile = look
    assert len(await portal.mails()) == 1
    assert open_transactions == [0]


async def test_a_worker_that_dies_while_smtp_talks_has_the_mail_sent_again_by_another(portal: Portal) -> None:
    await portal.hear(notice())
    taken = asyncio.Event()

    async def hang() -> None:
        portal.mailbox.meanwhile = None
        taken.set()
        await asyncio.Event().wait()

    portal.mailbox.meanwhile = hang
    worker = asyncio.create_task(deliver(portal.database, portal.settings))
    await taken.wait()
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await portal.mails() == []  # it may still be on its way
    portal.later(seconds=LEASE.total_seconds() + 1)
    (mail,) = await portal.mails()
    (kept,) = await portal.scalars("SELECT id FROM notices")
    assert mail["Message-ID"] == f"<{kept}@familles.example.org>"


async def test_one_bad_notice_does_not_hold_up_the_others(portal: Portal) -> None:
    bad = notice(dossier_id=named_id("dossier", "100002"))
    await portal.hear(bad)
    await portal.hear(notice())
    async with portal.database.sessions.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(f"UPDATE notices SET email = 'a\nb' WHERE notice_id = '{bad.notice_id}'")
    await portal.mails()
    assert sorted(mail["To"] for mail in await portal.mails()) == ["guichet@example.org", "sophie.martin@example.org"]


async def test_several_workers_send_each_mail_once(portal: Portal) -> None:
    for _ in range(20):
        await portal.hear(notice())
    await asyncio.gather(*(deliver(portal.database, portal.settings) for _ in range(4)))
    identifiers = [mail["Message-ID"] for mail in await portal.mails()]
    assert len(identifiers) == len(set(identifiers)) == 20
