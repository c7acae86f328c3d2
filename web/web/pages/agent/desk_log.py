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
    "POST /bookings": "Réservation de vacances",
    "PUT /bookings/{booking_id}/lines": "Réservation de vacances modifiée",
    "POST /bookings/{booking_id}/confirm": "Réservation de vacances confirmée",
    "DELETE /bookings/{booking_id}": "Réservation de vacances annulée",
    "DELETE /bookings/{booking_id}/lines/{position}": "Semaine de vacances annulée",
    "POST /enrolments": "Inscription",
    "POST /enrolments/batch": "Inscriptions",
    "PUT /enrolments/{enrolment_id}/usual-week": "Semaine type",
    "DELETE /enrolments/{enrolment_id}": "Fin d'inscription",
    "POST /waiting-list": "Liste d'attente",
    "PATCH /holiday-weeks/{holiday_week_id}": "Semaine de vacances modifiée",
    "PATCH /activities/{activity_id}": "Activité modifiée",
    "POST /plannings/validate": "Planning",
    "PUT /calendar": "Calendrier",
    "PUT /activities/{activity_id}/rules": "Règles d'une activité",
    "POST /link-requests/{request_id}/decision": "Demande de rattachement décidée",
    "POST /dossier-requests/{dossier_request_id}/decision": "Demande de dossier décidée",
    "POST /change-requests/{change_request_id}/decision": "Demande de modification décidée",
    "POST /desk-notices/{desk_notice_id}/done": "Affaire traitée",
    "POST /letters/printed": "Lettres imprimées",
    "POST /accounts": "Compte d'agent ouvert",
    "PATCH /accounts/{account_id}": "Compte d'agent modifié",
    "POST /accounts/{account_id}/invitation": "Compte d'agent : nouveau lien",
    "POST /clients": "Programme ajouté",
    "POST /clients/{client_id}/secrets": "Programme : nouveau secret",
    "DELETE /clients/{client_id}": "Programme retiré",
    "POST /devices": "Tablette ajoutée",
    "DELETE /devices/{device_id}": "Tablette retirée",
    "POST /quotes": "Devis",
    "POST /dossiers": "Dossier créé",
    "PUT /dossiers/{dossier_id}/quotient": "Quotient familial",
    "POST /dossiers/{dossier_id}/quotient-lookups": "Quotient demandé à API Particulier",
    "PUT /dossiers/{dossier_id}/adults/{adult_id}/quotient-consent": "Accord pour demander le quotient",
    "DELETE /dossiers/{dossier_id}/adults/{adult_id}/quotient-consent": "Accord pour demander le quotient retiré",
    "POST /quotient-campaigns": "Quotients demandés pour tous",
    "DELETE /dossiers/{dossier_id}": "Dossier effacé",
    "POST /dossiers/{dossier_id}/adults": "Adulte ajouté",
    "PUT /dossiers/{dossier_id}/adults/{adult_id}": "Adulte modifié",
    "DELETE /dossiers/{dossier_id}/adults/{adult_id}": "Adulte retiré",
    "POST /dossiers/{dossier_id}/children": "Enfant ajouté",
    "PATCH /dossiers/{dossier_id}/contacts": "Coordonnées modifiées",
    "POST /dossiers/{dossier_id}/certification": "Dossier certifié exact",
    "POST /dossiers/{dossier_id}/change-requests": "Demande de modification",
    "DELETE /change-requests/{change_request_id}": "Demande de modification retirée",
    "POST /dossiers/{dossier_id}/documents": "Document remis",
    "POST /documents/{document_id}/decision": "Document décidé",
    "POST /dossiers/{dossier_id}/invitation": "Lettre d'invitation",
    "PUT /dossiers/{dossier_id}/priorities": "Critères de priorité",
    "POST /dossiers/{dossier_id}/payer": "Changement de payeur",
    "POST /dossiers/{dossier_id}/split": "Famille séparée",
    "POST /dossiers/{dossier_id}/merge": "Dossiers réunis",
    "DELETE /planned-changes/{planned_change_id}": "Changement prévu retiré",
    "PATCH /children/{child_id}": "Enfant modifié",
    "PUT /children/{child_id}/authorised-persons": "Personnes autorisées",
    "PUT /children/{child_id}/custody": "Garde alternée",
    "PUT /children/{child_id}/health": "Fiche sanitaire",
    "PUT /children/{child_id}/schooling": "Scolarité",
    "POST /children/{child_id}/dossiers": "Enfant rattaché à un autre dossier",
    "DELETE /children/{child_id}/dossiers/{dossier_id}": "Enfant retiré d'un dossier",
    "POST /imports": "Import de familles",
    "POST /house-rules/acceptances": "Règlement accepté",
    "POST /enrolment-rollovers": "Inscriptions reconduites",
    "POST /waiting-list/{entry_id}/accept": "Place proposée acceptée",
    "DELETE /waiting-list/{entry_id}": "Liste d'attente quittée",
    "POST /activities": "Activité ajoutée",
    "POST /holiday-weeks": "Semaine de vacances ouverte",
    "POST /sites": "Site ajouté",
    "PATCH /sites/{site_id}": "Site modifié",
    "POST /dead-letters/replay": "Messages en échec traités de nouveau",
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
