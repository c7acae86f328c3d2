"""« Mes documents »: handed in as files, what the desk says of them, until when they are good."""

import asyncio

from starlette.responses import Response

from web.answers import Page
from web.answers.dossier import Document, DocumentKind
from web.pages.dossier import HERE as DOSSIER
from web.refusals import Refused
from web.visits import Visit, route

HERE = f"{DOSSIER}/documents"
STATES = {"waiting": "En attente de vérification", "accepted": "Accepté", "refused": "Refusé"}
NAMES = {"application/pdf": "document.pdf", "image/jpeg": "document.jpg", "image/png": "document.png"}
TOO_LARGE = "Ce fichier dépasse 10 Mo : réduisez-le, ou envoyez une photo du document."
INPUTS = ("kind", "child_id", "expires_on", "fichier")


async def show_documents(visit: Visit) -> Response:
    dossier = await visit.dossier()
    kinds, documents = await asyncio.gather(
        visit.api.get(Page[DocumentKind], "/dossier/v1/document-kinds"),
        visit.api.all(Document, f"/dossier/v1/dossiers/{dossier.id}/documents"),
    )
    return visit.page(
        "dossier/documents.html",
        dossier=dossier,
        kinds=kinds.items,
        documents=documents,
        names={child.id: child.first_name for child in dossier.children},
        states=STATES,
        done="envoye" in visit.request.query_params,
    )


async def hand_in(visit: Visit) -> Response:
    form = visit.form
    form.require(kind="Indiquez de quel document il s'agit.")
    if form.file is None:
        form.refuse("fichier", "Choisissez le fichier à envoyer.")
    if not form.errors and form.file is not None:
        dossier, asked = await visit.dossier(), form.picked("kind", "child_id", "expires_on")
        said = {name: value for name, value in asked.items() if value}
        path = f"/dossier/v1/dossiers/{dossier.id}/documents"
        try:
            await visit.api.hand_in(Document, path, form.file, key=visit.once, **said)
            return visit.go(f"{HERE}?envoye")
        except Refused as refused:
            if refused.status == 413:
                form.refuse("fichier", TOO_LARGE)
            elif refused.type == "urn:problem:dossier:file-refused":
                form.refuse("fichier", refused.detail)
            elif refused.status in (409, 422):
                form.refused(refused, INPUTS, {f"query/{name}": name for name in INPUTS})
            else:
                raise
    return await show_documents(visit)


async def read_document(visit: Visit) -> Response:
    """The file, to be saved."""
    path = f"/dossier/v1/documents/{visit.path('document_id')}"
    dossier = await visit.dossier()
    documents = await visit.api.all(Document, f"/dossier/v1/dossiers/{dossier.id}/documents")
    kind = next((one.media_type for one in documents if one.id == visit.path("document_id")), "")
    return saved(await visit.api.call("GET", path), kind)


def saved(content: bytes, media_type: str) -> Response:
    """A file for the browser to save, never to show."""
    name = NAMES.get(media_type, "document")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    kind = media_type if media_type in NAMES else "application/octet-stream"
    return Response(content, media_type=kind, headers=headers)


ROUTES = [
    route(HERE, show_documents, hand_in, file=True),
    route(f"{HERE}/{{document_id}}", read_document),
]
