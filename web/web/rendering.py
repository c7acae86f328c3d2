"""Templates: what they may use to say amounts, days and moments as a French reader expects them."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from french import wording
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension

from web.roles import ADMINISTRATORS, AGENTS, CASHIERS, DESK
from web.static import Static
from web.town import Town

#: The guide's rubrics, in its order, and what the law asks to be found on each page.
RUBRICS = [
    ("/", "Accueil"),
    ("/dossier", "Mon dossier"),
    ("/inscriptions", "Inscription"),
    ("/planning", "Planning"),
    ("/factures", "Facturation"),
    ("/messages", "Messages"),
]
#: Of the desk's pages, with those whose work it is.
DESK_RUBRICS = [
    ("/agent", "Accueil", DESK),
    ("/agent/dossiers", "Familles", AGENTS),
    ("/agent/a-suivre", "À suivre", (*AGENTS, *ADMINISTRATORS)),
    ("/agent/rattachements", "Rattachements", AGENTS),
    ("/agent/documents", "Documents", AGENTS),
    ("/agent/factures", "Factures", CASHIERS),
    ("/agent/catalogue", "Catalogue", ADMINISTRATORS),
    ("/agent/calendrier", "Calendrier", ADMINISTRATORS),
    ("/agent/comptes", "Comptes", ADMINISTRATORS),
    ("/agent/programmes", "Programmes", ADMINISTRATORS),
    ("/agent/tablettes", "Tablettes", ADMINISTRATORS),
    ("/agent/imports", "Imports", ADMINISTRATORS),
    ("/agent/quotients", "Quotients", ADMINISTRATORS),
    ("/agent/effacements", "Effacements", ADMINISTRATORS),
    ("/agent/messages-en-echec", "Messages en échec", ADMINISTRATORS),
    ("/agent/journal", "Journal", ADMINISTRATORS),
]
FOOTER = [
    ("/delais", "Délais de réservation"),
    ("/aide", "Aide"),
    ("/donnees-personnelles", "Données personnelles"),
    ("/mentions-legales", "Mentions légales"),
    ("/accessibilite", "Accessibilité : non conforme"),
]

_SPACE = "\N{NO-BREAK SPACE}"
_DAYS = 4000
FOLDER = Path(__file__).parent / "templates"


class Typography(Extension):
    """In templates' own words, no line ends before « : ; ? ! » », nor after « « »."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return re.sub(" (?=[:;?»]|!(?!=))", _SPACE, source).replace("« ", f"«{_SPACE}")


def environment(town: Town, static: Static) -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[Typography],
    )
    made.filters |= {
        "euros": wording.euros,
        # A month says its days once a child and activity.
        "by_month": wording.by_month,
        "day": lru_cache(_DAYS)(wording.day),
        "day_of_month": wording.day_of_month,
        "day_and_month": lru_cache(_DAYS)(wording.day_and_month),
        "hour": wording.hour,
        "moment": wording.moment,
        "month": wording.month,
    }
    made.globals |= {"town": town.town, "desk": town.desk, "static": static, "footer": FOOTER}
    made.globals["criteria"] = town.waiting_list.certified
    return made


def render(made: Environment, template: str, **context: Any) -> str:
    return made.get_template(template).render(**context)
