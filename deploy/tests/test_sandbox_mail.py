"""The mail stand-in, by real SMTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from smtplib import SMTP
from urllib.parse import urlsplit

import pytest
import requests

from deploy.sandbox.testing import Sandbox, sandbox


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox(tmp_path / "clock") as started:
        yield started


def send(running: Sandbox, to: str, subject: str, text: str, html: str = "") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mairie@villeneuve.example", to, subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    address = urlsplit(running.smtp)
    with SMTP(address.hostname or "", address.port or 0) as client:
        client.send_message(message)


def messages(running: Sandbox, to: str | None = None) -> list[dict[str, str]]:
    found: list[dict[str, str]] = requests.get(f"{running.mail}/messages", {"to": to} if to else None, timeout=5).json()
    return found


def test_a_mail_is_read_as_it_was_written_accents_and_both_alternatives(running: Sandbox) -> None:
    text = (
        "Bonjour,\n\nVotre semaine du mercredi 3 mars est réservée : 12,50 € — à bientôt à l’école.\n"
        + "é" * 200
        + "\n"
    )
    html = "<p>Votre semaine est <strong>réservée</strong> : 12,50 €</p>\n"
    before = datetime.now(UTC)
    send(running, "famille@exemple.example", "Réservation confirmée à Villeneuve-sur-Bièvre — été", text, html)
    (mail,) = messages(running)
    received_at = datetime.fromisoformat(mail.pop("received_at"))
    assert before <= received_at <= datetime.now(UTC)
    assert mail == {
        "to": "famille@exemple.example",
        "subject": "Réservation confirmée à Villeneuve-sur-Bièvre — été",
        "text": text,
        "html": html,
    }


def test_each_recipient_has_the_mail_and_sees_only_its_own_newest_first(running: Sandbox) -> None:
    send(running, "un@exemple.example, deux@exemple.example", "Premier", "…")
    send(running, "Un@Exemple.example", "Second", "…")
    assert [mail["subject"] for mail in messages(running, "un@exemple.example")] == ["Second", "Premier"]
    assert [mail["subject"] for mail in messages(running, "deux@exemple.example")] == ["Premier"]
    assert messages(running, "trois@exemple.example") == []
    assert len(messages(running)) == 3


def test_a_mail_is_dated_by_the_shifted_clock(running: Sandbox) -> None:
    running.clock_file.write_text(str(72 * 3600))
    send(running, "famille@exemple.example", "Lien", "…")
    (mail,) = messages(running)
    shift = datetime.fromisoformat(mail["received_at"]) - datetime.now(UTC)
    assert timedelta(hours=71, minutes=59) < shift <= timedelta(hours=72)


def test_the_page_escapes_what_it_shows_and_makes_links_clickable(running: Sandbox) -> None:
    send(
        running,
        "famille@exemple.example",
        "<script>alert(1)</script>",
        "Ouvrez http://127.0.0.1/a?b=1&c=2.\n<b>gras</b>",
    )
    page = requests.get(f"{running.mail}/", timeout=5)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<a href="http://127.0.0.1/a?b=1&amp;c=2">http://127.0.0.1/a?b=1&amp;c=2</a>.' in page.text
    assert "&lt;b&gt;gras&lt;/b&gt;" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script" not in page.text


def test_the_page_says_so_when_there_is_no_mail(running: Sandbox) -> None:
    assert "Aucun courriel" in requests.get(f"{running.mail}/", timeout=5).text


def test_both_addresses_say_that_they_are_up(running: Sandbox) -> None:
    for address in (running.mail, running.payfip):
        assert requests.get(f"{address}/healthz", timeout=5).status_code == 200
