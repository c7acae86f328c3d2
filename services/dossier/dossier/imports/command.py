"""`python -m dossier import FILE [--dry-run]`: the same without a page, with its progress and its report."""

import argparse
from pathlib import Path
from typing import get_args

from chassis import progress
from chassis.database import Database
from chassis.problems import Problem
from chassis.service import Command

from dossier.imports import importing
from dossier.imports.columns import Kind
from dossier.imports.models import Import, Outcome

_PAGE = 200


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="CSV, a line a family: see docs/imports.md")
    parser.add_argument("--kind", choices=get_args(Kind), default="families", help="families, or their quotients")
    parser.add_argument("--dry-run", action="store_true", help="say what would become of each line, and store nothing")


async def import_file(database: Database, _: object, file: Path, kind: Kind, dry_run: bool) -> str:
    """Store the families of the file; what became of them. Ends with 1 where a line was refused.

    Raises SystemExit with a sentence where the file cannot be taken.
    """
    try:
        with file.open("rb") as opened:
            async with database.sessions.begin() as session:
                started = await importing.receive(session, opened, kind, dry_run, None)
    except OSError as error:
        raise SystemExit(f"{file} : le fichier ne peut pas être lu ({error.strerror}).") from None
    except Problem as problem:
        faults = [f"{one['pointer'].removeprefix('/')} : {one['detail']}" for one in problem.errors]
        raise SystemExit("\n".join([problem.detail, *faults])) from None
    while not (done := await _progress(database, started)).finished_at:
        await importing.go_on(database, started.id)
    created = "à enregistrer" if dry_run else "enregistrées"
    said = f"Lignes {created} : {done.created}. Déjà connues : {done.known}. Refusées : {done.refused}."
    if done.refused:
        await _say_refused(database, done)
        print(said)
        raise SystemExit(1)
    return said


async def _progress(database: Database, started: Import) -> Import:
    """The import as it is now, shown on the terminal."""
    async with database.sessions.begin() as session:
        now = await importing.one(session, started.id)
    progress.show(now.done, now.lines)
    return now


async def _say_refused(database: Database, done: Import) -> None:
    after, page = 0, _PAGE
    while page == _PAGE:
        async with database.sessions.begin() as session:
            lines = await importing.report(session, done.id, Outcome.REFUSED, after, _PAGE)
        for line in lines:
            for fault in line.faults:
                print(
                    f"Ligne {line.line}, dossier {line.number or '?'}, {fault['column'] or 'ligne'} : {fault['detail']}"
                )
        after, page = lines[-1].line if lines else 0, len(lines)


IMPORT = Command("import", "store the families of a CSV file", import_file, _arguments)
