"""Who did what at the desk, service by service, the newest first."""

from datetime import date, time, timedelta

from french.paris import at
from french.wording import moment
from starlette.responses import Response

from web.answers.every import DeskAct
from web.answers.identity import StaffAccount
from web.listings import Column, Filter, Listing
from web.pages.agent import families
from web.pages.agent.dead_letters import SERVICES
from web.pages.agent.staff import API as ACCOUNTS
from web.pages.agent.staff import ROLES
from web.refusals import NotFound, Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH = "/agent/journal"
#: The id that no dossier has.
NOBODY = "00000000-0000-0000-0000-000000000000"
#: Acts in words; another one is said as the API names it.
ACTS = {
    "POST /v1/bookings": "Réservation de vacances",
    "PUT /v1/bookings/{booking_id}/lines": "Réservation de vacances modifiée",
    "POST /v1/bookings/{booking_id}/confirm": "Réservation de vacances confirmée",
    "DELETE /v1/bookings/{booking_id}": "Réservation de vacances annulée",
    "DELETE /v1/bookings/{booking_id}/lines/{position}": "Semaine de vacances annulée",
    "POST /v1/enrolments": "Inscription",
    "POST /v1/enrolments/batch": "Inscriptions",
    "PUT /v1/enrolments/{enrolment_id}/usual-week": "Semaine type",
    "DELETE /v1/enrolments/{enrolment_id}": "Fin d'inscription",
    "POST /v1/waiting-list": "Liste d'attente",
    "PATCH /v1/holiday-weeks/{holiday_week_id}": "Semaine de vacances modifiée",
    "PATCH /v1/activities/{activity_id}": "Activité modifiée",
    "POST /v1/plannings/validate": "Planning",
    "PUT /v1/calendar": "Calendrier",
    "PUT /v1/activities/{activity_id}/rules": "Règles d'une activité",
    "POST /v1/link-requests/{request_id}/decision": "Demande de rattachement décidée",
    "POST /v1/dossier-requests/{dossier_request_id}/decision": "Demande de dossier décidée",
    "POST /v1/change-requests/{change_request_id}/decision": "Demande de modification décidée",
    "POST /v1/desk-notices/{desk_notice_id}/done": "Affaire traitée",
    "POST /v1/letters/printed": "Lettres imprimées",
    "POST /v1/accounts": "Compte d'agent ouvert",
    "PATCH /v1/accounts/{account_id}": "Compte d'agent modifié",
    "POST /v1/accounts/{account_id}/invitation": "Compte d'agent : nouveau lien",
    "POST /v1/clients": "Programme ajouté",
    "POST /v1/clients/{client_id}/secrets": "Programme : nouveau secret",
    "DELETE /v1/clients/{client_id}": "Programme retiré",
    "POST /v1/dossiers": "Dossier créé",
    "PUT /v1/dossiers/{dossier_id}/quotient": "Quotient familial",
    "POST /v1/dossiers/{dossier_id}/quotient-lookups": "Quotient demandé à API Particulier",
    "PUT /v1/dossiers/{dossier_id}/adults/{adult_id}/quotient-consent": "Accord pour demander le quotient",
    "DELETE /v1/dossiers/{dossier_id}/adults/{adult_id}/quotient-consent": "Accord pour demander le quotient retiré",
    "POST /v1/quotient-campaigns": "Quotients demandés pour tous",
    "DELETE /v1/dossiers/{dossier_id}": "Dossier effacé",
    "POST /v1/dossiers/{dossier_id}/adults": "Adulte ajouté",
    "PUT /v1/dossiers/{dossier_id}/adults/{adult_id}": "Adulte modifié",
    "DELETE /v1/dossiers/{dossier_id}/adults/{adult_id}": "Adulte retiré",
    "POST /v1/dossiers/{dossier_id}/children": "Enfant ajouté",
    "PATCH /v1/dossiers/{dossier_id}/contacts": "Coordonnées modifiées",
    "POST /v1/dossiers/{dossier_id}/certification": "Dossier certifié exact",
    "POST /v1/dossiers/{dossier_id}/change-requests": "Demande de modification",
    "DELETE /v1/change-requests/{change_request_id}": "Demande de modification retirée",
    "POST /v1/dossiers/{dossier_id}/documents": "Document remis",
    "POST /v1/documents/{document_id}/decision": "Document décidé",
    "POST /v1/dossiers/{dossier_id}/invitation": "Lettre d'invitation",
    "PUT /v1/dossiers/{dossier_id}/priorities": "Critères de priorité",
    "POST /v1/dossiers/{dossier_id}/payer": "Changement de payeur",
    "POST /v1/dossiers/{dossier_id}/split": "Famille séparée",
    "POST /v1/dossiers/{dossier_id}/merge": "Dossiers réunis",
    "DELETE /v1/planned-changes/{planned_change_id}": "Changement prévu retiré",
    "PATCH /v1/children/{child_id}": "Enfant modifié",
    "PUT /v1/children/{child_id}/authorised-persons": "Personnes autorisées",
    "PUT /v1/children/{child_id}/custody": "Garde alternée",
    "PUT /v1/children/{child_id}/health": "Fiche sanitaire",
    "PUT /v1/children/{child_id}/schooling": "Scolarité",
    "POST /v1/children/{child_id}/dossiers": "Enfant rattaché à un autre dossier",
    "DELETE /v1/children/{child_id}/dossiers/{dossier_id}": "Enfant retiré d'un dossier",
    "POST /v1/imports": "Import de familles",
    "POST /v1/house-rules/acceptances": "Règlement accepté",
    "POST /v1/enrolment-rollovers": "Inscriptions reconduites",
    "POST /v1/waiting-list/{entry_id}/accept": "Place proposée acceptée",
    "DELETE /v1/waiting-list/{entry_id}": "Liste d'attente quittée",
    "POST /v1/activities": "Activité ajoutée",
    "POST /v1/holiday-weeks": "Semaine de vacances ouverte",
    "POST /v1/sites": "Site ajouté",
    "PATCH /v1/sites/{site_id}": "Site modifié",
    "POST /v1/dead-letters/replay": "Messages en échec traités de nouveau",
}


def _midnight(said: str, later: int = 0) -> str:
    """The beginning of that day in Paris, or of one some days later; what is no day is left to be refused."""
    try:
        return at(date.fromisoformat(said) + timedelta(days=later), time.min).isoformat()
    except (ValueError, OverflowError):
        return said


def _of(service: str, dossier: str) -> Listing[DeskAct]:
    """`dossier` is the id of the one that is asked for by its number."""
    path = f"{PATH}/{service}"

    def same_dossier(act: DeskAct) -> str:
        return f"{path}?dossier_id={act.dossier.number}" if act.dossier else ""

    return Listing(
        path,
        f"Journal du guichet : {SERVICES[service].lower()}",
        DeskAct,
        f"/{service}/v1/desk-log",
        [
            Column("Le", lambda one: moment(one.at)),
            Column("Par", lambda one: f"{one.name or 'Sans nom'} ({ROLES.get(one.role, one.role).lower()})"),
            Column("Quoi", lambda one: ACTS.get(one.act, one.act)),
            Column("Motif", lambda one: one.reason or "–"),
            Column(
                "Dossier",
                lambda one: one.family,
                lambda one: f"{path}?dossier_id={one.dossier.number}" if one.dossier else "",
            ),
        ],
        [
            Filter("dossier_id", "Numéro de dossier", sent=lambda _: dossier),
            Filter("account_id", "Par", options=_staff),
            Filter("since", "Du", kind="date", sent=_midnight),
            Filter("until", "Au", kind="date", sent=lambda said: _midnight(said, 1)),
        ],
        roles=ADMINISTRATORS,
        nothing="Rien n'a été fait dans cette période.",
        template="agent/desk_log.html",
        complete=families.named,
    )


async def _staff(visit: Visit) -> list[tuple[str, str]]:
    """By their names; nobody where identity does not answer."""
    try:
        found = await visit.api.all(StaffAccount, ACCOUNTS)
    except Refused as refused:
        if refused.status < 500:
            raise
        found = []
    named = sorted((f"{one.last_name} {one.first_name}", one.id) for one in found)
    return [("", "Tous"), *((account_id, name) for name, account_id in named)]


async def _listing(visit: Visit) -> Listing[DeskAct]:
    """Of the service in the path. Raises NotFound."""
    service, number = visit.path("service"), visit.query("dossier_id").strip()
    if service not in SERVICES:
        raise NotFound
    found = await families.numbered(visit, number) if number else None
    if number and found is None:
        visit.form.refuse("filtre-dossier_id", "Aucun dossier n'a ce numéro.")
    return _of(service, found.id if found else NOBODY)


async def show_first(visit: Visit) -> Response:
    return visit.go(f"{PATH}/{next(iter(SERVICES))}")


async def show(visit: Visit) -> Response:
    listing = await _listing(visit)
    return await listing.show(visit, services=[(f"{PATH}/{name}", said) for name, said in SERVICES.items()])


async def export(visit: Visit) -> Response:
    return await (await _listing(visit)).export(visit)


ROUTES = [
    route(PATH, show_first, roles=ADMINISTRATORS),
    route(f"{PATH}/{{service}}.csv", export, roles=ADMINISTRATORS),
    route(f"{PATH}/{{service}}", show, roles=ADMINISTRATORS),
]
