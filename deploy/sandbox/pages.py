"""The French pages of the stand-ins, readable without script, and how they write amounts and dates."""

import re
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; color: #1e1e1e; }
article, form { border-top: 1px solid #767676; padding: 1rem 0; }
button { font: inherit; padding: .6rem 1.2rem; margin: 0 .5rem .5rem 0; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def page(title: str, content: str) -> str:
    """A whole page; `content` is HTML, `title` is not."""
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )


def with_links(text: str) -> str:
    """The text escaped for HTML, its web addresses clickable."""
    pieces = re.split(r"(https?://[^\s<>\"]*[^\s<>\".,;:!?)\]])", text)
    return "".join(
        f'<a href="{escape(piece)}">{escape(piece)}</a>' if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )


def euros(cents: int) -> str:
    """« 1 234,50 € », with the no-break spaces of French typography."""
    whole = f"{cents // 100:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{whole},{cents % 100:02d}\N{NO-BREAK SPACE}€"


def moment(at: datetime) -> str:
    """« mercredi 3 mars 2027 à 14 h 05 », Paris time."""
    local = at.astimezone(PARIS)
    day = "1er" if local.day == 1 else local.day
    return f"{DAYS[local.weekday()]} {day} {MONTHS[local.month - 1]} {local.year} à {local:%H} h {local:%M}"
