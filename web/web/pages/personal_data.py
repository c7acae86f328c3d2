"""A family's copy of all that is held about it: what each service has, its health records and its documents."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import RawIOBase
from zipfile import ZIP_DEFLATED, ZipFile

from starlette.responses import Response, StreamingResponse

from web.answers import Answer
from web.api import Api
from web.refusals import Refused
from web.visits import Visit, route

SERVICES = {
    "identity": "compte",
    "dossier": "dossier",
    "enrolment": "inscriptions",
    "planning": "planning",
    "billing": "factures",
}
READ_ME = """Vos données personnelles

Ce dossier contient tout ce que le portail conserve à votre sujet et au sujet de vos enfants :
- un fichier par partie du portail (compte, dossier, inscriptions, planning, factures), au format JSON,
  qu'un logiciel peut relire ; chaque rubrique porte un nom en français ;
- une fiche sanitaire par enfant, dans « sante » ;
- les justificatifs que vous avez remis, dans « justificatifs ».

Les mots de passe n'y sont pas : personne ne peut les lire. Ne confiez ces fichiers à personne.
"""
ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class Document(Answer):
    id: str
    kind: str
    media_type: str


async def _download(visit: Visit) -> Response:
    """What is small is asked for before the answer begins: what is refused then is a page like any other."""
    await visit.api.fresh()
    dossier = await visit.dossier()
    children = {f"sante/{child.first_name}-{child.id}.json": child.id for child in dossier.children}
    paths = {f"{name}.json": f"/{service}/v1/me/export" for service, name in SERVICES.items()}
    paths |= {name: f"/dossier/v1/children/{child_id}/health" for name, child_id in children.items()}
    texts = await asyncio.gather(*(visit.api.call("GET", path) for path in paths.values()))
    documents = await visit.api.all(Document, f"/dossier/v1/dossiers/{dossier.id}/documents")
    files = {name: _readable(text) for name, text in zip(paths, texts, strict=True)}
    return StreamingResponse(
        _zipped(_contents(visit.api, {"LISEZ-MOI.txt": READ_ME.encode()} | files, documents)),
        media_type="application/zip",
        headers={"content-disposition": 'attachment; filename="mes-donnees.zip"'},
    )


def _readable(text: bytes) -> bytes:
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2).encode()


async def _contents(api: Api, files: dict[str, bytes], documents: list[Document]) -> AsyncIterator[tuple[str, bytes]]:
    for name, content in files.items():
        yield name, content
    for one in documents:
        name = f"justificatifs/{one.kind}-{one.id}"
        try:
            yield f"{name}.{ENDINGS.get(one.media_type, 'bin')}", await api.as_it_is(f"/dossier/v1/documents/{one.id}")
        except Refused:  # deleted since, perhaps: half a copy is better than none, and says what is missing
            yield f"{name}.txt", "Ce justificatif n'a pas pu être lu : demandez-le au guichet.".encode()


class _Pieces(RawIOBase):
    """What is written, until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override] # narrower than any buffer
        self._written += piece
        return len(piece)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


async def _zipped(contents: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    """One archive, file by file: no more of it is in memory than one of them."""
    pieces = _Pieces()
    with ZipFile(pieces, "w", ZIP_DEFLATED) as archive:
        async for name, content in contents:
            await asyncio.to_thread(archive.writestr, name, content)
            yield pieces.take()
    yield pieces.take()


ROUTES = [route("/donnees-personnelles/copie", _download)]
