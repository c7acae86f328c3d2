"""Documents: what a file may be, handed in twice or by somebody else, decided, expiring, and swept."""

import asyncio
import json
import os
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pikepdf
import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.testing import Signer
from contracts.dossier import NoticeWritten
from cryptography.exceptions import InvalidTag
from dossier.documents import api, documents, sealing
from dossier.documents.inspection import RefusedFile, inspect, inspect_apart
from dossier.documents.rules import LARGEST, Fault, expiry_fault, remind_from
from dossier.documents.sealing import PIECE
from dossier.documents.storage import COMING_S, UNCLAIMED_S, Folder
from dossier.keys import Ring, new_key
from dossier.settings import Settings
from dossier.worker import delete_left_files, sweep_documents
from french.paris import day_in_paris
from PIL import Image
from sqlalchemy import text

from libs.chassis.tests.waiting import until
from services.dossier.tests.villeneuve import MARTIN, MOREAU
from tests.builders import published

TODAY = date(2026, 11, 25)
INES = named_id("child", "100042", "Inès")
HUGO = named_id("child", "100001", "Hugo")


def pdf(change: Callable[[pikepdf.Pdf], None] = lambda _: None, **saved: Any) -> bytes:
    made, out = pikepdf.new(), BytesIO()
    made.add_blank_page()
    change(made)
    made.save(out, **saved)
    return out.getvalue()


def image(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **saved: Any) -> bytes:
    out = BytesIO()
    Image.new(mode, size, "white").save(out, kind, **saved)
    return out.getvalue()


def archive() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("virus.exe", b"x")
    return out.getvalue()


def with_action(**action: Any) -> bytes:
    def change(made: pikepdf.Pdf) -> None:
        made.Root.OpenAction = pikepdf.Dictionary({f"/{name}": value for name, value in action.items()})

    return pdf(change)


def hidden_in_an_annotation(made: pikepdf.Pdf) -> None:
    """Written out within the page, and its name spelled otherwise."""
    action = pikepdf.Object.parse(b"<< /S /J#61vaScript /X (app.alert) >>")
    made.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(Subtype=pikepdf.Name.Link, A=action)])


def attached(made: pikepdf.Pdf) -> None:
    made.attachments["virus.exe"] = b"MZ"


def gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Telephone de Claire", 6  # the maker; turned by a quarter
    return exif


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", Fault.EMPTY),
        (archive(), Fault.UNKNOWN),
        (b"<html><script>alert(1)</script></html>", Fault.UNKNOWN),
        (b"GIF89a" + b"x" * 100, Fault.UNKNOWN),
        (b"%PDF-1.7\n" + archive(), Fault.UNREADABLE),
        (pdf()[:200], Fault.UNREADABLE),
        (pdf(encryption=pikepdf.Encryption(owner="a", user="secret")), Fault.LOCKED),
        (with_action(S=pikepdf.Name.JavaScript, JS="app.alert(1)"), Fault.ACTIVE),
        (with_action(S=pikepdf.Name.Launch, F="calc.exe"), Fault.ACTIVE),
        (pdf(hidden_in_an_annotation, object_stream_mode=pikepdf.ObjectStreamMode.generate), Fault.ACTIVE),
        (pdf(attached), Fault.ACTIVE),
        (image("JPEG")[:300], Fault.UNREADABLE),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, Fault.UNREADABLE),
        (image("PNG", (10_000, 10_000), mode="1"), Fault.TOO_MANY_PIXELS),
        (image("PNG", (8_000, 7_000), mode="1"), Fault.TOO_MANY_PIXELS),
    ],
    ids=lambda value: value if isinstance(value, Fault) else "",
)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path: Path, content: bytes, fault: Fault) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    with pytest.raises(RefusedFile) as refused:
        inspect(source, target)
    assert refused.value.fault == fault
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (pdf(), "application/pdf"),
        (pdf(encryption=pikepdf.Encryption(owner="a", user="")), "application/pdf"),  # readable by all
        (image("JPEG"), "image/jpeg"),
        (image("PNG"), "image/png"),
    ],
)
def test_a_file_is_what_its_content_says(tmp_path: Path, content: bytes, media_type: str) -> None:
    source = tmp_path / "source.zip"
    source.write_bytes(content)
    assert inspect(source, tmp_path / "target") == media_type
    assert (tmp_path / "target").stat().st_size > 0


def test_an_image_keeps_its_points_upright_and_nothing_else(tmp_path: Path) -> None:
    for kind in ("JPEG", "PNG"):
        source = tmp_path / "source"
        source.write_bytes(image(kind, exif=gps(), icc_profile=b"profile", comment=b"Claire"))
        assert b"Claire" in source.read_bytes()
        inspect(source, tmp_path / "target")
        with Image.open(tmp_path / "target") as kept:
            assert kept.size == (30, 40)
            assert not kept.getexif()
            assert not kept.info.keys() & {"exif", "icc_profile", "comment"}
        assert b"Claire" not in (tmp_path / "target").read_bytes()


def test_a_large_image_is_made_smaller(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(image("JPEG", (6000, 3000), mode="L"))
    inspect(tmp_path / "source", tmp_path / "target")
    with Image.open(tmp_path / "target") as kept:
        assert kept.size == (4000, 2000)


def test_a_file_is_inspected_in_a_process_with_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(image("PNG", (3_000, 3_000), mode="1"))
    assert inspect_apart(source, target) == "image/png"
    source.write_bytes(archive())
    with pytest.raises(RefusedFile, match="unknown"):
        inspect_apart(source, target)


# ---------------------------------------------------------------------- days


def test_a_document_lasts_from_today_to_thirty_years() -> None:
    assert expiry_fault(None, False, TODAY) is None
    assert "jusqu'à quelle date" in (expiry_fault(None, True, TODAY) or "")
    assert expiry_fault(TODAY, True, TODAY) is None
    assert "plus valable" in (expiry_fault(TODAY - timedelta(days=1), False, TODAY) or "")
    assert "lointaine" in (expiry_fault(date(2057, 1, 1), False, TODAY) or "")


def test_a_family_is_reminded_a_month_ahead_and_the_day_after() -> None:
    ends = TODAY + timedelta(days=60)
    ahead = remind_from(ends, TODAY)
    assert ahead == TODAY + timedelta(days=30)
    after = remind_from(ends, ahead)
    assert after == ends + timedelta(days=1)
    assert remind_from(ends, after) is None
    assert remind_from(None, TODAY) is None


# ---------------------------------------------------------------------- handed in, read, decided

Send = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def send(client: aiohttp.ClientSession, signer: Signer, loaded: object, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Hands in a file as a guardian of the dossier, or as an agent; it is inspected here, as it would be apart."""
    monkeypatch.setattr(api, "inspect_apart", inspect)

    async def sent(
        content: Any,
        *,
        dossier: UUID = MOREAU,
        by: UUID | None = MOREAU,
        key: str = "",
        media_type: str = "application/octet-stream",
        **query: str,
    ) -> tuple[int, Any]:
        token = signer.token("guardian", dossier_id=by) if by else signer.token("agent")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(new_id())}
        headers["Content-Type"] = media_type
        if key:  # the key is an account's
            headers["Authorization"] = f"Bearer {signer.token('guardian', dossier_id=by, sub=str(INES))}"
        query = {"kind": "domicile"} | query
        async with client.post(
            f"/v1/dossiers/{dossier}/documents", data=content, params=query, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    return sent


Read = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def call(client: aiohttp.ClientSession, signer: Signer) -> Read:
    async def called(method: str, path: str, by: UUID | None = MOREAU, body: Any = None) -> tuple[int, Any]:
        token = signer.token("guardian", dossier_id=by) if by else signer.token("agent", name="Luc Petit")
        headers = {"Authorization": f"Bearer {token}"}
        async with client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    return called


async def test_a_family_hands_in_a_document_and_alone_reads_it(
    send: Send, call: Read, client: aiohttp.ClientSession, signer: Signer
) -> None:
    content = pdf()
    last_day = str(day_in_paris(clock.now()) + timedelta(days=300))
    status, made = await send(content, kind="assurance", child_id=str(INES), expires_on=last_day)
    assert (status, made["status"]) == (201, "waiting")
    assert (made["media_type"], made["size"]) == ("application/pdf", len(content))
    assert (made["kind_name"], made["child_id"], made["expires_on"], made["expired"]) == (
        "Attestation d'assurance scolaire",
        str(INES),
        last_day,
        False,
    )
    assert (await call("GET", f"/dossiers/{MOREAU}/documents"))[1]["items"] == [made]
    for by in (MOREAU, None):
        token = signer.token("guardian", dossier_id=by) if by else signer.token("agent")
        async with client.get(f"/v1/documents/{made['id']}", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (answer.status, await answer.read()) == (200, content)
            assert answer.content_type == "application/pdf"
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="assurance-')
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    for path in (f"/dossiers/{MOREAU}/documents", f"/documents/{made['id']}"):
        assert (await call("GET", path, MARTIN))[0] == 404
    assert (await send(content, by=MARTIN))[0] == 404
    assert (await send(content, by=None, media_type="application/json"))[0] == 201  # whatever is said of it
    assert (await send(content, kind="assurance", child_id=str(HUGO), expires_on=last_day))[0] == 404


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"kind": "nothing"}, "/query/kind"),
        ({"kind": "assurance", "expires_on": "2027-01-01"}, "/query/child_id"),
        ({"kind": "domicile", "child_id": str(INES)}, "/query/child_id"),
        ({"kind": "assurance", "child_id": str(INES)}, "/query/expires_on"),
        ({"kind": "assurance", "child_id": str(INES), "expires_on": "2020-01-01"}, "/query/expires_on"),
        ({"kind": "assurance", "child_id": str(INES), "expires_on": "2098-01-01"}, "/query/expires_on"),
        ({"kind": "assurance", "child_id": str(INES), "expires_on": "demain"}, "/query/expires_on"),
    ],
)
async def test_what_is_said_of_a_document_is_looked_at(send: Send, query: dict[str, str], pointer: str) -> None:
    status, problem = await send(pdf(), **query)
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])


async def test_a_file_of_ten_megabytes_is_taken_and_a_larger_one_refused_before_it_has_come(
    send: Send, settings: Settings
) -> None:
    def padded(size: int) -> bytes:
        return pdf() + b"\n" * (size - len(pdf()))

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000

    assert (await send(BytesIO(padded(LARGEST))))[0] == 201
    assert (await send(BytesIO(padded(LARGEST + 1))))[0] == 413
    assert (await send(endless()))[0] == 413
    status, problem = await send(archive())
    assert (status, problem["type"]) == (422, "urn:problem:dossier:file-refused")
    assert "ni un PDF" in problem["detail"]
    assert [path for path in settings.documents.rglob("*") if path.is_file() and path.parent.name == "incoming"] == []


async def test_the_same_document_sent_twice_is_one(send: Send, call: Read) -> None:
    content = pdf()
    twins = await asyncio.gather(*(send(content, key="a") for _ in range(3)))
    assert {status for status, _ in twins} <= {201, 409}
    again = await send(content, key="a")
    assert again[0] == 201
    assert [one["id"] for one in (await call("GET", f"/dossiers/{MOREAU}/documents"))[1]["items"]] == [again[1]["id"]]
    for other in ({"content": image("PNG")}, {"content": content, "kind": "jugement"}):
        assert (await send(**other, key="a"))[1]["type"] == "urn:problem:idempotency-key-reused"


async def test_the_desk_decides_once_and_the_family_is_told(send: Send, call: Read, database: Database) -> None:
    (_, first), (_, second) = await send(pdf()), await send(pdf())
    assert [one["id"] for one in (await call("GET", "/documents", None))[1]["items"]] == [first["id"], second["id"]]
    path = f"/documents/{first['id']}/decision"
    refusal = {"decision": "refused", "reason": "La date est illisible."}
    assert (await call("POST", path, None, {"decision": "refused"}))[1]["errors"][0]["pointer"] == "/reason"
    status, refused = await call("POST", path, None, refusal)
    assert (status, refused["status"], refused["reason"], refused["version"]) == (200, "refused", refusal["reason"], 2)
    assert await call("POST", path, None, refusal) == (status, refused)
    _, late = await call("POST", path, None, {"decision": "accepted"})
    assert late["type"] == "urn:problem:dossier:document-decided"
    assert (await call("POST", path, MOREAU, refusal))[0] == 403
    assert (await call("POST", f"/documents/{second['id']}/decision", None, {"decision": "accepted"}))[0] == 200
    told, accepted = await published(database, NoticeWritten)
    assert (told.dossier_id, told.link) == (MOREAU, "/dossier/documents")
    assert told.paragraphs[0].startswith("Votre document « Justificatif de domicile » envoyé le ")
    assert told.paragraphs[1] == "Motif : La date est illisible."
    assert accepted.title == "Document accepté"
    assert (await call("GET", "/documents", None))[1]["items"] == []


async def test_a_document_is_decided_while_its_dossier_is_merged(send: Send, call: Read, database: Database) -> None:
    _, made = await send(pdf())

    async def waits() -> bool:
        blocked = "datname = current_database() AND wait_event_type = 'Lock'"
        async with database.sessions() as session:
            return bool(await session.scalar(text(f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {blocked})")))

    async with database.sessions.begin() as merging:
        await merging.execute(text(f"SELECT FROM dossiers WHERE id = '{MOREAU}' FOR UPDATE"))
        accepted = {"decision": "accepted"}
        deciding = asyncio.ensure_future(call("POST", f"/documents/{made['id']}/decision", None, accepted))
        await until(waits)
        await merging.execute(text(f"UPDATE documents SET dossier_id = '{MARTIN}'"))
    assert (await deciding)[0] == 200
    assert [one.dossier_id for one in await published(database, NoticeWritten)] == [MARTIN]


async def test_a_document_about_health_is_named_in_no_message_and_each_read_of_it_is_kept(
    send: Send, call: Read, database: Database, client: aiohttp.ClientSession, signer: Signer
) -> None:
    _, made = await send(pdf(), kind="vaccinations", child_id=str(INES))
    decision = {"decision": "refused", "reason": "Le vaccin contre la rougeole manque."}
    assert (await call("POST", f"/documents/{made['id']}/decision", None, decision))[0] == 200
    (told,) = await published(database, NoticeWritten)
    assert "vaccin" not in told.model_dump_json().lower()
    for token in (signer.token("agent"), signer.token("guardian", dossier_id=MOREAU)):
        async with client.get(f"/v1/documents/{made['id']}", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 200
    _, seen = await call("GET", f"/children/{INES}/accesses")
    assert [(one["role"], one["reason"]) for one in seen["items"]] == [
        ("guardian", "Lecture d'un document"),
        ("agent", "Lecture d'un document"),
    ]
    assert "dans votre dossier" in told.paragraphs[1]


async def test_a_family_is_reminded_once_of_what_expires_unless_it_was_replaced(
    send: Send, database: Database, clock_file: Path
) -> None:
    def noon(days: int) -> None:
        """So many days after tomorrow's."""
        now = datetime.now(UTC)
        then = now.replace(hour=12, minute=0) + timedelta(days=days + 1)
        clock_file.write_text(str((then - now).total_seconds()))

    noon(0)
    today = day_in_paris(clock.now())
    insured = {"kind": "assurance", "child_id": str(INES)}
    await send(pdf(), **insured, expires_on=str(today + timedelta(days=40)))

    async def reminded(days: int) -> list[str]:
        before = len(await published(database, NoticeWritten))
        noon(days)
        for _ in range(2):
            async with database.sessions.begin() as session:
                await documents.remind(session, clock.now())
        return [notice.paragraphs[0] for notice in (await published(database, NoticeWritten))[before:]]

    assert await reminded(9) == []
    (ahead,) = await reminded(10)
    assert ahead.startswith("Le document « Attestation d'assurance scolaire » (Inès) est valable jusqu'au ")
    assert await reminded(40) == []
    (over,) = await reminded(41)
    assert "n'est plus valable depuis" in over
    assert await reminded(100) == []
    await send(pdf(), **insured, expires_on=str(today + timedelta(days=110)))
    await send(pdf(), **insured, expires_on=str(today + timedelta(days=400)))
    assert await reminded(112) == []


async def test_the_desk_lists_what_expires_until_it_is_replaced(send: Send, call: Read) -> None:
    today = day_in_paris(clock.now())

    async def accepted(days: int) -> str:
        insured = {"kind": "assurance", "child_id": str(INES), "expires_on": str(today + timedelta(days=days))}
        _, made = await send(pdf(), **insured)
        await call("POST", f"/documents/{made['id']}/decision", None, {"decision": "accepted"})
        return str(made["id"])

    async def expiring(more: str = "") -> list[str]:
        return [one["id"] for one in (await call("GET", f"/documents?expiring=true{more}", None))[1]["items"]]

    soon = await accepted(20)
    assert await expiring() == await expiring("&kind=assurance") == [soon]
    assert await expiring("&kind=domicile") == []
    await accepted(300)
    assert await expiring() == []


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_sealed_file_is_opened_whole_or_not_at_all(tmp_path: Path, size: int) -> None:
    ring, content, file = Ring(json.dumps([new_key()])), os.urandom(size), tmp_path / "sealed"

    def opens(about: str = "one", by: Ring = ring) -> bytes | None:
        try:
            return b"".join(sealing.opened(by, about, file))
        except (InvalidTag, KeyError):
            return None

    with file.open("wb") as target:
        sealing.seal(ring, "one", sealing.pieces(BytesIO(content)), target)
    sealed = file.read_bytes()
    assert opens() == content
    assert opens("another") is None
    assert opens(by=Ring(json.dumps([new_key()]))) is None
    begins, piece = sealed[:25], PIECE + 16
    pieces = [sealed[at : at + piece] for at in range(25, len(sealed), piece)]
    places = (0, 12, 30, len(sealed) - 1)
    altered = [sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in places]
    cut = [sealed[:length] for length in (0, 5, 24, 25, len(sealed) - 1)]
    moved = [begins + b"".join(order) for order in (pieces[:-1], pieces[1:], pieces[::-1]) if order != pieces]
    for wrong in (*altered, *cut, *moved, sealed + b"x", sealed + pieces[-1]):
        file.write_bytes(wrong)
        assert opens() is None


async def test_files_are_legible_by_nobody_without_the_key_and_are_sealed_anew_by_a_newer_one(
    send: Send, call: Read, settings: Settings, database: Database
) -> None:
    content = pdf()
    gone, spoilt, made = [UUID((await send(content))[1]["id"]) for _ in range(3)]
    root = settings.documents
    assert not any(b"%PDF" in path.read_bytes() for path in root.rglob("*") if path.is_file())
    old, fresh = json.loads(settings.health_keys), new_key()
    both, after = (Folder(root, Ring(json.dumps(keys))) for keys in ([fresh, *old], [fresh]))
    both.path(gone).unlink()
    both.path(spoilt).write_bytes(both.path(spoilt).read_bytes()[:-1])  # which keeps none of the others from it
    for sealed in (1, 0):
        assert await documents.seal_anew(database, both) == sealed
        assert b"".join(after.opened(made)) == content
    # Who has the old key alone has a file that opens no more, and says so.
    for lost in (made, gone, spoilt):
        assert (await call("GET", f"/documents/{lost}"))[1]["type"] == "urn:problem:dossier:file-gone"
    assert not list((root / "incoming").iterdir())


async def test_what_belongs_to_no_document_is_swept_and_a_document_stays(
    send: Send, settings: Settings, database: Database
) -> None:
    _, made = await send(pdf())
    folder = Folder(settings.documents, settings.ring)
    orphan, half = folder.path(new_id()), settings.documents / "incoming" / "half"
    for path in (orphan, half):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for job in (sweep_documents, delete_left_files):
        await job(database, settings)
    assert orphan.exists()  # its row may be about to be committed
    assert half.exists()
    for path, age_s in ((orphan, UNCLAIMED_S), (half, COMING_S), (folder.path(UUID(made["id"])), UNCLAIMED_S)):
        os.utime(path, (time.time() - age_s - 60,) * 2)
    for job in (sweep_documents, delete_left_files):
        await job(database, settings)
    assert not orphan.exists()
    assert not half.exists()
    assert folder.path(UUID(made["id"])).exists()


async def test_a_family_that_is_erased_leaves_neither_documents_nor_their_files_nor_a_health_record(
    send: Send,
    settings: Settings,
    database: Database,
    client: aiohttp.ClientSession,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, made = await send(pdf(), kind="vaccinations", child_id=str(INES))
    health = f"/v1/children/{INES}/health"
    own = {"Authorization": f"Bearer {signer.token('guardian', dossier_id=MOREAU)}", "If-Match": '"0"'}
    async with client.put(health, json={"allergies": "Arachide."}, headers=own) as answer:
        assert answer.status == 200
    async with client.get(health, headers=own) as answer:
        assert answer.status == 200
    file = Folder(settings.documents, settings.ring).path(UUID(made["id"]))
    await delete_left_files(database, settings)
    assert file.exists()
    erased = {"Authorization": f"Bearer {signer.token('administrator')}"}
    async with client.delete(f"/v1/dossiers/{MOREAU}?reason=demande", headers=erased) as answer:
        assert answer.status == 200, await answer.text()

    def busy(*_: object) -> None:
        raise OSError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "delete", busy)
        with pytest.raises(OSError, match="busy"):
            await delete_left_files(database, settings)
    for _ in range(2):  # taken up where it failed
        await delete_left_files(database, settings)
        assert not file.exists()
    async with database.sessions() as session:
        for table in ("documents", "left_files", "health_records", "accesses"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
