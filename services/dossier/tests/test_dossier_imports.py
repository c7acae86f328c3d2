"""Families from CSV files as towns have them, and back into one."""

import asyncio
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chassis.command import parser
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Signer
from contracts.dossier import ChildChanged, DossierChanged, QuotientChanged
from dossier.imports import importing
from dossier.imports.columns import known, place, titles
from dossier.imports.command import import_file
from dossier.imports.families import Known, Refused, read
from dossier.imports.files import FileUnreadable, Table, neutral
from dossier.imports.importing import go_on
from dossier.main import SERVICE
from dossier.models import Dossier
from sqlalchemy import text

from services.dossier.tests.villeneuve import Ask, published

TITLES = "numero;rue;code_postal;commune;adulte1_nom;adulte1_prenom"
FACTS = Known({"jeanjaures": new_id()}, "94800", date(2026, 11, 25))
Sent = Callable[..., Any]


@pytest.fixture
def sent(client: aiohttp.ClientSession, signer: Signer, database: Database) -> Sent:
    """A file sent by an administrator: the problem that refuses it, or the report when all of it is done."""
    headers = {"Authorization": f"Bearer {signer.token('administrator')}", "Content-Type": "text/csv"}

    async def sending(content: str | bytes, more: str = "") -> Any:
        body = content.encode() if isinstance(content, str) else content
        async with client.post(f"/v1/imports?{more}", data=body, headers=headers) as answer:
            document = await answer.json()
            if answer.status != 202:
                return document
            assert (document["status"], document["done"]) == ("waiting", 0)
        while await go_on(database):
            pass
        async with client.get(f"/v1/imports/{document['id']}", headers=headers) as answer:
            return await answer.json()

    return sending


def _faults(report: Any) -> dict[int, set[tuple[str, str]]]:
    return {
        line["line"]: {(one["column"], one["detail"]) for one in line["faults"]}
        for line in report["items"]
        if line["outcome"] == "refused"
    }


@pytest.mark.usefixtures("loaded")
async def test_families_are_stored_whole_told_and_found(sent: Sent, ask: Ask, database: Database) -> None:
    before = len(await published(database))
    report = await sent(
        f"{TITLES};Adulte1 Courriel;adulte2_nom;adulte2_prenom;adulte2_role;enfant1_nom;enfant1_prenom;"
        "enfant1_naissance;enfant1_menu;quotient;quotient_debut\n"
        '200001;"12; rue ""Haute""";94800;Villeneuve;Lefèvre;Zoé;zoe@example.org;Lefèvre;Luc;contact payeur;'
        "Lefèvre;Ana;03/02/2020;Sans porc;850;2026-01-01\n"
        "200002;1 rue Basse;75001;Paris;D’Arc;Jeanne;;;;;;;;;;\n"
    )
    assert (report["status"], report["lines"], report["created"], report["refused"]) == ("done", 2, 2, 0)
    assert [(line["line"], line["number"], line["outcome"]) for line in report["items"]] == [
        (2, "200001", "created"),
        (3, "200002", "created"),
    ]
    (found,) = (await ask("/dossiers?q=lefevre+ana", "agent"))[1]["items"]
    whole, etag = (await ask(f"/dossiers/{found['id']}", "agent"))[1:]
    assert (whole["address"]["street"], etag) == ('12; rue "Haute"', '"2"')
    assert {(one["first_name"], *one["roles"]) for one in whole["adults"]} == {
        ("Zoé", "legal_guardian"),
        ("Luc", "contact", "payer"),
    }
    (child,) = whole["children"]
    assert (child["birth_date"], child["menu"]) == ("2020-02-03", "no_pork")
    told = (await published(database))[before:]
    assert [type(event) for event in told] == [ChildChanged, QuotientChanged, DossierChanged, DossierChanged]
    assert [event.version for event in told] == [1, 1, 2, 1]


@pytest.mark.usefixtures("loaded")
async def test_the_same_file_again_stores_nobody_twice_and_what_is_there_stays(sent: Sent, database: Database) -> None:
    file = f"{TITLES}\n100042;1 rue Neuve;94800;Ailleurs;Moreau;Claire\n200001;1 rue;94800;Ville;Petit;Luc\n"
    first = await sent(file)
    assert (first["created"], first["known"]) == (1, 1)
    before = len(await published(database))
    second = await sent(file)
    assert (second["created"], second["known"]) == (0, 2)
    assert len(await published(database)) == before


@pytest.mark.usefixtures("loaded")
async def test_a_dry_run_says_all_and_stores_nothing(sent: Sent, ask: Ask, database: Database) -> None:
    before = len(await published(database))
    report = await sent(
        f"{TITLES}\n200001;1 rue;94800;Ville;Petit;Luc\n200002;;94800;Ville;Petit;Luc\n", "dry_run=true"
    )
    assert (report["dry_run"], report["created"], report["refused"]) == (True, 1, 1)
    assert _faults(report) == {3: {("rue", "Ce champ est obligatoire.")}}
    assert (await ask("/dossiers?q=petit", "agent"))[1]["items"] == []
    assert len(await published(database)) == before


@pytest.mark.usefixtures("loaded")
async def test_each_wrong_cell_is_named_by_line_and_column_and_the_others_are_stored(sent: Sent, ask: Ask) -> None:
    report = await sent(
        f"{TITLES};adulte1_courriel;adulte1_role;enfant1_nom;enfant1_prenom;enfant1_naissance;enfant1_ecole;quotient;quotient_debut\n"
        "200001;1 rue;948;Ville;Petit;Luc;luc@;chef;Petit;Ana;31/02/2020;Ailleurs;douze;\n"
        "200002;1 rue;94800;Ville;Petit;Luc;;;Petit;Ana;03/02/2099;;512;31/12/9999\n"
        "200003;1 rue;94800;Ville;Petit;Luc;;;;;;;;\n"
        "200003;1 rue;94800;Ville;Petit;Eve;;;;;;;;\n"
        "200004;1 rue;94800;Ville;Petit\n"
    )
    faults = _faults(report)
    assert {line: {column for column, _ in one} for line, one in faults.items()} == {
        2: {
            *("code_postal", "adulte1_courriel", "adulte1_role", "enfant1_naissance", "enfant1_ecole", "quotient"),
        },
        3: {"enfant1_naissance", "quotient_debut"},
        5: {"numero"},
        6: {""},
    }
    assert ("numero", "Ce numéro est déjà celui de la ligne 4.") in faults[5]
    assert ("", "Cette ligne a 5 cellules, 14 sont attendues.") in faults[6]
    assert [one["number"] for one in (await ask("/dossiers?q=petit", "agent"))[1]["items"]] == ["200003"]


async def test_a_line_at_which_something_unforeseen_fails_is_refused_alone(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(columns: Sequence[str], cells: Sequence[str], known: Known) -> Dossier:
        if cells[0] == "300003":
            raise ZeroDivisionError
        return read(columns, cells, known)

    monkeypatch.setattr(importing, "read", reading)
    lines = "".join(f"30000{n};{n} rue;94800;Ville;Petit;Luc\n" for n in range(1, 7))
    report = await sent(f"{TITLES}\n{lines}")
    assert (report["status"], report["created"], report["refused"]) == ("done", 5, 1)
    assert _faults(report) == {4: {("", importing.UNFORESEEN)}}


async def test_a_file_that_cannot_be_taken_says_why(sent: Sent, database: Database) -> None:
    family = "200001;1 rue;94800;Ville;Petit;Luc"
    for content, kind, pointers in (
        ("", "file-unreadable", None),
        (b"PK\x03\x04 a workbook", "file-unreadable", None),
        ("numero;rue".encode("utf-16"), "file-unreadable", None),
        (f'{TITLES}\n"200001;1 rue', "file-unreadable", None),
        (f"{TITLES}\n", "nothing-to-import", None),
        (
            f"numero;rue;pointure;rue\n{family}",
            "malformed",
            ["code_postal", "commune", "adulte1_nom", "adulte1_prenom"],
        ),
    ):
        problem = await sent(content)
        assert (problem["status"], problem["type"].rpartition(":")[2]) == (422, kind), content
        assert [one["pointer"] for one in problem.get("errors", [])][:4] == [f"/{one}" for one in pointers or []]
    assert [one["pointer"] for one in problem["errors"]][4:] == ["/pointure", "/rue"]
    async with database.sessions.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM imports")) == 0
    assert (await sent(f"{TITLES}\n{family}"))["created"] == 1


@pytest.mark.usefixtures("loaded")
async def test_two_workers_at_once_and_one_that_dies_store_each_family_once(
    sent: Sent, database: Database, client: aiohttp.ClientSession, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dossier.imports.importing.BATCH", 3)
    headers = {"Authorization": f"Bearer {signer.token('administrator')}"}
    rows = "\n".join(f"3000{number:02};1 rue;94800;Ville;Petit;Luc" for number in range(20))
    async with client.post("/v1/imports", data=f"{TITLES}\n{rows}".encode(), headers=headers) as answer:
        import_id = (await answer.json())["id"]

    async def dying(*_: Any) -> None:
        raise ConnectionError

    await go_on(database)
    with monkeypatch.context() as broken:
        broken.setattr("dossier.imports.importing.store", dying)
        with pytest.raises(ConnectionError):
            await go_on(database)
    async with client.get(f"/v1/imports/{import_id}?limit=2", headers=headers) as answer:
        report = await answer.json()
        assert (report["status"], report["done"], report["created"]) == ("running", 3, 3)
        assert ([line["line"] for line in report["items"]], report["next_line"]) == ([2, 3], 3)
    while any(await asyncio.gather(go_on(database), go_on(database))):
        pass
    async with client.get(f"/v1/imports/{import_id}?after=3&outcome=created", headers=headers) as answer:
        report = await answer.json()
        assert (report["status"], report["created"], len(report["items"])) == ("done", 20, 18)
    async with client.get("/v1/imports", headers=headers) as answer:
        assert [one["id"] for one in (await answer.json())["items"]] == [import_id]
    async with database.sessions.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM dossiers WHERE number LIKE '3000%'")) == 20
        assert await session.scalar(text("SELECT count(cells) FROM import_lines")) == 0


@pytest.mark.usefixtures("loaded")
async def test_what_is_exported_can_be_imported_and_carries_no_formula(
    client: aiohttp.ClientSession, signer: Signer, sent: Sent
) -> None:
    await sent(f"{TITLES};adulte1_telephone\n200001;=cmd|' /C calc'!A0;94800;@Ville;Petit;Luc;+33612345678\n")
    headers = {"Authorization": f"Bearer {signer.token('agent')}"}
    async with client.get("/v1/dossiers.csv", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/csv")
        content = await answer.read()
    lines = {line["numero"]: line for line in csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")}
    assert list(lines) == ["100001", "100002", "100042", "200001"]
    assert (lines["100042"]["adulte1_nom"], lines["100042"]["enfant2_prenom"]) == ("Moreau", "Tom")
    assert lines["200001"]["rue"] == "'=cmd|' /C calc'!A0"
    assert lines["200001"]["adulte1_telephone"] == "'+33612345678"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for line in lines.values() for cell in line.values())
    again = await sent(content)
    assert (again["known"], again["refused"]) == (4, 0), again["items"]


@pytest.mark.usefixtures("loaded")
async def test_only_an_administrator_imports_and_a_family_exports_nothing(
    client: aiohttp.ClientSession, signer: Signer
) -> None:
    for role, imports, exports in (("guardian", 403, 403), ("agent", 403, 200), ("administrator", 404, 200)):
        headers = {"Authorization": f"Bearer {signer.token(role)}"}
        async with client.get(f"/v1/imports/{new_id()}", headers=headers) as answer:
            assert answer.status == imports
        async with client.get("/v1/dossiers.csv", headers=headers) as answer:
            assert answer.status == exports


@pytest.mark.usefixtures("loaded")
async def test_the_command_line_imports_with_progress_and_names_what_is_refused(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "familles.csv"
    file.write_text(f"{TITLES}\n200001;1 rue;94800;Ville;Petit;Luc\n200002;1 rue;9;Ville;Petit;Luc\n", "cp1252")

    async def run(*arguments: str) -> object:
        asked = vars(parser("dossier", SERVICE.commands).parse_args(["import", *arguments]))
        assert asked.pop("command") == "import"
        try:
            return await import_file(database, None, **asked)
        except SystemExit as ended:
            return ended.code

    assert await run(str(file), "--dry-run") == 1
    assert capsys.readouterr().out == (
        "Ligne 3, dossier 200002, code_postal : Cinq chiffres sont attendus.\n"
        "Lignes à enregistrer : 1. Déjà connues : 0. Refusées : 1.\n"
    )
    assert await run(str(file)) == 1
    shown = capsys.readouterr()
    assert shown.out.endswith("Lignes enregistrées : 1. Déjà connues : 0. Refusées : 1.\n")
    assert "2 / 2" in shown.err
    file.write_text(f"{TITLES}\n200003;1 rue;94800;Ville;Petit;Luc\n")
    assert await run(str(file)) == "Lignes enregistrées : 1. Déjà connues : 0. Refusées : 0."
    assert "ne peut pas être lu" in str(await run(str(tmp_path / "absent.csv")))
    file.write_text("numero;rue\n")
    assert "commune : Cette colonne manque." in str(await run(str(file)))


def _read(file: str | bytes) -> Iterator[dict[str, str]]:
    table = Table(io.BytesIO(file.encode() if isinstance(file, str) else file))
    for _, cells in table.lines():
        yield dict(zip(table.columns, cells, strict=False))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_read_as_spreadsheets_write_it(separator: str, encoding: str, end: str) -> None:
    lines = [
        ["Numéro", "Rue", "Code postal", "COMMUNE", "adulte1_nom", "Adulte1 Prénom"],
        ["1", f'"1{separator} rue{end} ""Haute"""', "94800", "Ville", "Lefèvre", " Zoé "],
        ["", "", "", "", "", ""],
        ["2", "2 rue", "94800", "Ville", "'=1+1", "Œ"],
    ]
    first, second = _read(end.join(separator.join(line) for line in lines).encode(encoding))
    assert (first["rue"], first["adulte1_nom"], first["adulte1_prenom"]) == (
        f'1{separator} rue{end} "Haute"',
        "Lefèvre",
        "Zoé",
    )
    assert (second["numero"], second["adulte1_nom"], second["adulte1_prenom"]) == ("2", "=1+1", "Œ")


def test_a_line_that_is_not_csv_is_named() -> None:
    with pytest.raises(FileUnreadable, match="Ligne 3"):
        list(_read(f'{TITLES}\n1;1 rue;94800;Ville;Petit;Luc\n2;"rue" Haute;9;V;P;L\n'))


def test_each_column_has_its_place_and_no_other_is_known() -> None:
    for title in titles(10, 20):
        assert known(title.upper().replace("_", " ")) == title
        assert place(title)[2]
    for title in ("adulte11_nom", "adulte0_nom", "enfant21_nom", "enfant1_courriel", "nom", ""):
        assert known(title) is None


@pytest.mark.parametrize("cell", ["=1", "+33", "-1", "@x", "\tx", "\rx"])
def test_a_cell_that_would_be_a_formula_is_made_text(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    assert neutral("x=1") == "x=1"


def test_a_child_is_at_the_school_of_its_age_unless_it_is_said() -> None:
    columns = [
        *TITLES.split(";"),
        "enfant1_nom",
        "enfant1_prenom",
        "enfant1_naissance",
        "enfant1_ecole",
        "enfant1_niveau",
    ]
    family = ["1", "1 rue", "94800", "Ville", "Petit", "Luc", "Petit", "Ana"]
    for born, said, level in (
        ("31/12/2020", "", "elementary"),
        ("01/01/2021", "", "nursery"),
        ("2021-01-01", "Élémentaire", "elementary"),
    ):
        dossier = read(columns, [*family, born, "Jean Jaurès", said], FACTS)
        (year,) = dossier.children[0].schooling
        assert (year.level, year.school_year, year.school_id) == (level, "2026-2027", FACTS.schools["jeanjaures"])
        assert dossier.children[0].resident
    with pytest.raises(Refused) as refused:
        read(columns, [*family, "1/1/2021", "", "maternelle"], FACTS)
    assert [fault.column for fault in refused.value.faults] == ["enfant1_ecole"]
