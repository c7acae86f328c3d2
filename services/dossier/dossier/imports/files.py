"""A CSV file as spreadsheets write it: UTF-8, with or without its mark, or Latin-1; commas, semicolons or tabs."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from chassis.problems import Malformed, Problem

from dossier.imports.columns import NEEDED, Kind, known

#: As much as the gateway lets through: some fifty thousand families.
LARGEST = 10 * 1024 * 1024
_PIECE = 1 << 16
#: What a spreadsheet would take for a formula; an export puts an apostrophe before it, which an import takes away.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


class FileUnreadable(Problem):
    type = "urn:problem:dossier:file-unreadable"
    status = 422
    title = "Fichier illisible"


class Table:
    """The lines of a file, each with its number; `columns` are those of `columns.py` (empty: a column without a title).

    Raises FileUnreadable, and Malformed naming the columns that are missing, unknown or given twice.
    """

    def __init__(self, file: BinaryIO, kind: Kind = "families") -> None:
        self._text = io.TextIOWrapper(file, _encoding(file), errors="replace", newline="")
        try:
            first = self._text.readline()
            separator = max(";,\t", key=lambda one: sum(known(title, kind) is not None for title in first.split(one)))
            self._text.seek(0)
            self._reader = csv.reader(self._text, delimiter=separator, strict=True)
            titles = next(self._reader, [])
        except csv.Error:
            raise FileUnreadable("La première ligne, celle des titres, n'est pas du CSV valable.") from None
        self.columns = [known(title, kind) or "" for title in titles]
        if not any(titles):
            raise FileUnreadable("Ce fichier est vide : sa première ligne porte les titres des colonnes.")
        if faults := _faults(titles, self.columns, NEEDED[kind]):
            raise Malformed(errors=faults)

    def lines(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Those that are not empty. Raises FileUnreadable."""
        while True:
            number = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                raise FileUnreadable(
                    f"Ligne {number} : ce n'est pas du CSV valable (un guillemet n'est pas fermé ?)."
                ) from None
            cells = [_value(cell) for cell in cells]
            if any(cells):
                yield number, cells

    def close(self) -> None:
        """Leave the file to who opened it."""
        self._text.detach()


def _encoding(file: BinaryIO) -> str:
    """Raises FileUnreadable."""
    decoder, start = codecs.getincrementaldecoder("utf-8")(), file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"PK\x03\x04")) or b"\0" in start:
        raise FileUnreadable("Ce fichier n'est pas du CSV : dans le tableur, enregistrez-le comme « CSV UTF-8 ».")
    file.seek(0)
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8-sig"


def _faults(titles: Sequence[str], columns: Sequence[str], wanted: Sequence[str]) -> list[dict[str, str]]:
    faults = [(needed, "Cette colonne manque.") for needed in wanted if needed not in columns]
    for number, (title, column) in enumerate(zip(titles, columns, strict=True)):
        if title.strip() and not column:
            faults.append((title.strip(), "Cette colonne n'est pas connue."))
        elif column and column in columns[:number]:
            faults.append((column, "Cette colonne est donnée deux fois."))
    return [{"pointer": f"/{column}", "detail": detail} for column, detail in faults]


def _value(cell: str) -> str:
    value = cell.strip()
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULAS) else value


def neutral(cell: str) -> str:
    """What no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell
