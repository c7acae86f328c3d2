"""Families and quotients from CSV files: sent, tried out first if wished, and what became of each line."""

from french.wording import moment
from starlette.responses import Response

from web.answers.dossier import Import, ImportFault, ImportReport
from web.listings import Column, Listing, spreadsheet
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/imports", "/dossier/v1/imports"
KINDS = [("families", "Des familles, une par ligne"), ("quotients", "Des quotients familiaux, un par ligne")]
NAMES = {"families": "Familles", "quotients": "Quotients"}
STATES = {"waiting": "En attente", "running": "En cours", "done": "Terminé"}
OUTCOMES = [("", "Toutes"), ("refused", "Refusées"), ("created", "Enregistrées"), ("known", "Déjà connues")]
FILE = "familles.csv"
RESULTS = {"created": "Enregistrée", "known": "Déjà connue", "refused": "Refusée"}
TOO_LARGE = "Ce fichier dépasse 10 Mo : envoyez-le en plusieurs fois."
UNREADABLE = ("urn:problem:dossier:file-unreadable", "urn:problem:dossier:nothing-to-import")


def _what(one: Import) -> str:
    return f"{NAMES.get(one.kind, one.kind)}{' (essai)' if one.dry_run else ''}"


LISTING = Listing(
    PATH,
    "Importer des familles",
    Import,
    API,
    [
        Column("Fichier", _what, lambda one: f"{PATH}/{one.id}"),
        Column("Envoyé", lambda one: moment(one.asked_at)),
        Column("État", lambda one: STATES.get(one.status, one.status)),
        Column("Lignes", lambda one: f"{one.done} sur {one.lines}"),
        Column("Refusées", lambda one: str(one.refused)),
    ],
    roles=ADMINISTRATORS,
    nothing="Aucun fichier n'a encore été envoyé.",
    template="agent/imports.html",
)


async def show(visit: Visit) -> Response:
    return await LISTING.show(visit, kinds=KINDS)


async def send(visit: Visit) -> Response:
    form = visit.form
    form.require(kind="Indiquez ce que contient le fichier.")
    if form.file is None:
        form.refuse("fichier", "Choisissez le fichier à envoyer.")
    if not form.errors and form.file is not None:
        asked = {"kind": form.get("kind"), "dry_run": "false" if form.get("comment") == "store" else "true"}
        try:
            sent = await visit.api.hand_in(Import, API, form.file, key=visit.once, **asked)
            return visit.go(f"{PATH}/{sent.id}")
        except Refused as refused:
            if refused.status == 413:
                form.refuse("fichier", TOO_LARGE)
            elif refused.type in UNREADABLE:
                form.refuse("fichier", refused.detail)
            elif refused.status == 422:
                for pointer, detail in refused.errors:
                    form.refuse("fichier", f"{pointer.strip('/')} : {detail}")
            else:
                raise
    return await show(visit)


async def show_report(visit: Visit) -> Response:
    import_id, outcome, after = visit.path("import_id"), visit.query("lignes"), visit.query("suite")
    chosen = outcome if outcome in dict(OUTCOMES) else ""
    asked = {"outcome": chosen or None, "after": after if after.isdigit() else None}
    report = await visit.api.get(ImportReport, f"{API}/{import_id}", **asked)
    return visit.page(
        "agent/import.html",
        report=report,
        what=_what(report),
        state=STATES.get(report.status, report.status),
        outcomes=OUTCOMES,
        names=RESULTS,
        said=said,
        chosen=chosen,
        path=f"{PATH}/{import_id}",
    )


async def export_report(visit: Visit) -> Response:
    """All its lines, those of the chosen outcome."""
    chosen = visit.query("lignes") if visit.query("lignes") in dict(OUTCOMES) else ""
    rows: list[list[str]] = []
    after: int | None = 0
    while after is not None:
        asked = {"outcome": chosen or None, "after": after, "limit": 200}
        report = await visit.api.get(ImportReport, f"{API}/{visit.path('import_id')}", **asked)
        rows += [
            [str(line.line), line.number, RESULTS.get(line.outcome, ""), " ".join(map(said, line.faults))]
            for line in report.items
        ]
        after = report.next_line
    return spreadsheet("import", ["Ligne", "Dossier", "Résultat", "À corriger"], rows)


def said(fault: ImportFault) -> str:
    return f"{fault.column} : {fault.detail}" if fault.column else fault.detail


async def export(visit: Visit) -> Response:
    """Every family, in the columns of an import, as dossier writes it."""
    content, _ = await visit.api.document("/dossier/v1/dossiers.csv")
    return Response(content, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{FILE}"'})


ROUTES = [
    route(f"{PATH}.csv", LISTING.export, roles=ADMINISTRATORS),
    route(f"{PATH}/{FILE}", export, roles=ADMINISTRATORS),
    route(f"{PATH}/{{import_id}}.csv", export_report, roles=ADMINISTRATORS),
    route(PATH, show, send, roles=ADMINISTRATORS, file=True),
    route(f"{PATH}/{{import_id}}", show_report, roles=ADMINISTRATORS),
]
