"""The kinds of documents of a town's description."""

from collections.abc import Sequence
from typing import Annotated, Literal

from chassis.towns import Code, Entry, Words, unique_in
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from dossier.documents.models import DocumentKind


class DocumentKindEntry(Entry):
    """`expires`: it has a last day on which it is good; what is about `health` is named in no message."""

    code: Annotated[Code, unique_in("document_kinds")]
    name: Words
    about: Literal["dossier", "child"]
    expires: bool = False
    health: bool = False


#: Of a town that says nothing of it.
USUAL = [
    DocumentKindEntry(code="domicile", name="Justificatif de domicile", about="dossier"),
    DocumentKindEntry(code="assurance", name="Attestation d'assurance scolaire", about="child", expires=True),
    DocumentKindEntry(code="autre", name="Autre document", about="dossier"),
]


async def store(session: AsyncSession, kinds: Sequence[DocumentKindEntry]) -> None:
    """As the town's description now has them, in its order; one that it has no more stays, for its documents."""
    rows = [kind.model_dump() | {"rank": rank} for rank, kind in enumerate(kinds)]
    if rows:
        stored = insert(DocumentKind).values(rows)
        new = {name: getattr(stored.excluded, name) for name in rows[0].keys() - {"code"}}
        await session.execute(stored.on_conflict_do_update(index_elements=[DocumentKind.code], set_=new))
