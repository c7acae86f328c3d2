"""API Particulier (v3) as it publishes its examples: the quotients of a few people, and its error documents."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

TOKEN = "sandbox"  # noqa: S105 -- opens nothing but this
PATH = "/v3/dss/quotient_familial/identite"
NEEDED = ("nomNaissance", "prenoms[]", "sexeEtatCivil", "codeCogInseePaysNaissance")
FRANCE = "99100"


@dataclass(frozen=True)
class Person:
    """`quotient` is the provider, the value, the month and the year."""

    first_name: str
    sex: str
    born: tuple[int, int, int]
    birthplace: str | None
    quotient: tuple[str, int, int, int]


#: By birth name; those of the published examples, and a guardian of the demo town.
PEOPLE = {
    "ROUX": Person("JEANNE", "F", (1987, 6, 27), "08480", ("MSA", 150, 5, 2023)),
    "SIMPSON": Person("MARGE", "F", (1980, 11, 15), None, ("CNAF", 300, 8, 2024)),
    "DUPONT": Person("SOPHIE", "F", (1982, 9, 3), "13001", ("CNAF", 900, 6, 2023)),
    "MOREAU": Person("CLAIRE", "F", (1988, 4, 12), "94076", ("CNAF", 864, 11, 2026)),
}


def error(status: int, code: str, title: str, detail: str, provider: str | None = None) -> web.Response:
    """A document of errors, as the real one writes them."""
    meta = {"provider": provider} if provider else {}
    said = {"code": code, "title": title, "detail": detail, "source": None, "meta": meta}
    return web.json_response({"errors": [said]}, status=status)


class Particulier:
    """`down`: its provider does not answer, so many times more; `calls`: how often it was asked."""

    def __init__(self) -> None:
        self.down, self.calls = 0, 0

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.quotient), web.post("/sandbox/particulier", self.control)]

    async def control(self, request: web.Request) -> web.Response:
        """`{"down": 3}`: the provider is down for so many calls."""
        self.down = int((await request.json())["down"])
        return web.json_response({"calls": self.calls})

    async def quotient(self, request: web.Request) -> web.Response:
        self.calls += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "00101", "Non autorisé", "Votre jeton n'est pas valide.")
        query = request.query
        if not query.get("recipient", "").isdigit() or len(query["recipient"]) != 14:
            return error(422, "00201", "Entité non traitable", "Le paramètre recipient n'est pas un SIRET.")
        if missing := [name for name in NEEDED if not query.get(name)]:
            return error(422, "00301", "Entité non traitable", f"Le paramètre {missing[0]} est manquant.")
        if self.down > 0:
            self.down -= 1
            return error(502, "37999", "Erreur de fournisseur", "Le fournisseur de données ne répond pas.", "CNAV")
        person = PEOPLE.get(query["nomNaissance"].upper())
        if person is None or not _is(person, query, query.getall("prenoms[]")):
            detail = "Dossier allocataire inexistant. Le document ne peut être édité."
            return error(404, "37003", "Entité non trouvée", detail, "CNAV")
        return web.json_response(_answer(query["nomNaissance"].upper(), person))


def _is(person: Person, query: Any, first_names: list[str]) -> bool:
    parts = ("anneeDateNaissance", "moisDateNaissance", "jourDateNaissance")
    born = tuple(int(query[name]) if query.get(name, "").isdigit() else None for name in parts)
    at_home = person.birthplace is None or query.get("codeCogInseeCommuneNaissance") == person.birthplace
    in_france = (query["codeCogInseePaysNaissance"] == FRANCE) is (person.birthplace is not None)
    same = first_names[0].upper() == person.first_name and query["sexeEtatCivil"] == person.sex
    return same and born == person.born and at_home and in_france


def _answer(name: str, person: Person) -> dict[str, Any]:
    provider, value, month, year = person.quotient
    birth_date = "{:04}-{:02}-{:02}".format(*person.born)
    holder = {"nom_naissance": name, "nom_usage": None, "prenoms": person.first_name, "date_naissance": birth_date}
    return {
        "data": {
            "allocataires": [holder | {"sexe": person.sex}],
            "enfants": [],
            "adresse": {
                "destinataire": f"Madame {name} {person.first_name}",
                "complement_information": None,
                "complement_information_geographique": None,
                "numero_libelle_voie": "1 RUE MONTORGUEIL",
                "lieu_dit": None,
                "code_postal_ville": "75002 PARIS",
                "pays": "FRANCE",
            },
            "quotient_familial": {
                "fournisseur": provider,
                "valeur": value,
                "mois": month,
                "annee": year,
                "mois_calcul": month,
                "annee_calcul": year,
            },
        },
        "links": {},
        "meta": {},
    }
