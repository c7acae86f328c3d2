"""What a family may ask to have changed, as pages say it: each kind's fields, and old beside new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from french.wording import day

from web.answers.dossier import ChangeRequest

ROLES = {"legal_guardian": "responsable légal", "payer": "payeur", "contact": "personne à contacter"}
LEVELS = {"nursery": "maternelle", "elementary": "élémentaire"}
MENUS = {"standard": "standard", "no_pork": "sans porc", "vegetarian": "végétarien", "own_meal": "panier-repas"}
SOURCES = {"caf": "CAF", "msa": "MSA", "municipal": "calculé par la commune"}
CONSENTS = {
    "photo": "Être photographié ou filmé pendant les activités",
    "outings": "Participer aux sorties",
    "leaves_alone": "Repartir seul à la fin de l'activité",
}
#: The same in a list of what is known.
CONSENT_NAMES = {"photo": "Photos et films", "outings": "Sorties", "leaves_alone": "Repart seul"}
WEEK = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
STATES = {"waiting": "En attente", "accepted": "Acceptée", "refused": "Refusée", "withdrawn": "Retirée"}


@dataclass(frozen=True)
class Kind:
    """`of` says whom it is about: an adult, a child or nobody; `fields` are the API's, with what a page calls them."""

    title: str
    of: str
    fields: Mapping[str, str]
    proof: str


KINDS = {
    "address": Kind(
        "Changement d'adresse",
        "",
        {"street": "Numéro et rue", "postcode": "Code postal", "city": "Commune"},
        "un justificatif de domicile de moins de trois mois",
    ),
    "quotient": Kind(
        "Changement de quotient familial",
        "",
        {"value": "Quotient familial", "source": "Calculé par"},
        "une attestation de la CAF ou de la MSA",
    ),
    "new_child": Kind(
        "Arrivée d'un enfant",
        "",
        {"first_name": "Prénom", "last_name": "Nom", "birth_date": "Date de naissance"},
        "le livret de famille ou un acte de naissance",
    ),
    "adult_name": Kind(
        "Changement de nom", "adults", {"first_name": "Prénom", "last_name": "Nom"}, "une pièce d'identité"
    ),
    "child_identity": Kind(
        "Correction du nom ou de la date de naissance",
        "children",
        {"first_name": "Prénom", "last_name": "Nom", "birth_date": "Date de naissance"},
        "le livret de famille ou un acte de naissance",
    ),
    "school": Kind(
        "Changement d'école",
        "children",
        {"school_year": "Année scolaire", "school_id": "École", "level": "Niveau", "class_name": "Classe"},
        "le certificat d'inscription à l'école",
    ),
    "custody": Kind(
        "Garde alternée",
        "children",
        {"valid_from": "À partir du", "days": "Vos jours de garde"},
        "le jugement, ou l'accord signé des deux parents",
    ),
}


def title(request: ChangeRequest) -> str:
    """« Changement d'école : Tom Moreau »."""
    known = KINDS.get(request.kind)
    words = known.title if known else "Demande"
    return f"{words} : {request.subject}" if request.subject else words


def said(name: str, value: object, schools: Mapping[str, str]) -> str:
    """A value as a page says it."""
    if value is None or value == "":
        return "non renseigné"
    if isinstance(value, list):
        return rhythm(value)
    if name in ("birth_date", "valid_from"):
        return day(date.fromisoformat(str(value)))
    if name == "school_id":
        return schools.get(str(value), "une école")
    words = {"level": LEVELS, "source": SOURCES}.get(name, {})
    return words.get(str(value), str(value))


def rhythm(days: list[str]) -> str:
    """« lundi, mardi une semaine, aucun jour la suivante »: one's own of 7 or 14 days from a Monday on."""
    weeks = [_own_days(days[at : at + 7]) for at in range(0, len(days), 7)]
    return f"{weeks[0]} une semaine, {weeks[1]} la suivante" if len(weeks) > 1 else f"{weeks[0]} chaque semaine"


def _own_days(days: list[str]) -> str:
    """Of one week from Monday on, those of the family that asks."""
    own = [name for name, whose in zip(WEEK, days, strict=False) if whose == "own"]
    return {0: "aucun jour", 7: "toute la semaine"}.get(len(own), ", ".join(own))


def rows(request: ChangeRequest, schools: Mapping[str, str]) -> list[tuple[str, str, str, bool]]:
    """What it is about, field by field: the label, what is there, what is asked, and whether they differ."""
    known = KINDS.get(request.kind)
    labels = known.fields if known else {}
    old = request.old or {}
    return [
        (
            labels.get(name, name),
            said(name, old.get(name), schools) if request.old else "rien",
            said(name, value, schools),
            old.get(name) != value,
        )
        for name, value in request.new.items()
    ]
