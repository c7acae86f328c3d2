"""Whose the days of a child in split custody are, as its family reads it."""

from datetime import date

import pytest
from web.answers.dossier import Custody
from web.custody import FOR_PARENTS, shown, whose

from tests.browsers import Browser
from tests.gateways import CUSTODY, Gateway

API = "/dossier/v1/children/tom/custody"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 9, 8), ""),  # before the first
        (date(2026, 9, 9), "own"),  # in the first week, from the Monday before
        (date(2026, 9, 14), "other"),
        (date(2026, 9, 27), "own"),
        (date(2026, 12, 20), "own"),
        (date(2026, 12, 21), "other"),  # by the exception alone
        (date(2026, 12, 25), "other"),
        (date(2027, 1, 3), "own"),
        (date(2027, 1, 5), "own"),
        (date(2027, 1, 6), "other"),
        (date(2027, 6, 13), "own"),
    ],
)
def test_each_day_is_the_exceptions_else_the_last_begun_rhythms(day: date, expected: str) -> None:
    assert whose(Custody.model_validate(CUSTODY), day) == expected


def test_the_calendar_is_said_in_words_and_in_two_months() -> None:
    said = shown(Custody.model_validate(CUSTODY), date(2026, 11, 30), FOR_PARENTS)
    assert [one.replace("\xa0:", " :") for one in said.sentences] == [
        "À partir du mercredi 9 septembre 2026, chez vous : toute la semaine une semaine, aucun jour la suivante.",
        "À partir du lundi 4 janvier 2027, chez vous : lundi, mardi, samedi, dimanche chaque semaine.",
        "Exception, chez l'autre parent : du lundi 21 décembre 2026 au vendredi 25 décembre 2026.",
    ]
    assert [name for name, _ in said.months] == ["novembre 2026", "décembre 2026"]
    week = said.months[1][1].weeks[3]
    assert [(cell.day.day, cell.words, cell.mark) for cell in week if cell] == [
        (day, "autre", "") for day in range(21, 28)
    ]
    assert shown(Custody(shared=True, patterns=[]), date(2026, 11, 30), FOR_PARENTS).months == []
    assert shown(Custody.model_validate(CUSTODY), date(2027, 2, 1), FOR_PARENTS).sentences == [
        said.sentences[1]  # of what is over nothing
    ]


def test_what_begins_later_is_shown_from_there() -> None:
    later = Custody.model_validate(CUSTODY | {"patterns": CUSTODY["patterns"][1:]})
    assert shown(later, date(2026, 11, 30), FOR_PARENTS).months[0][0] == "janvier 2027"


async def test_a_family_reads_whose_the_days_are_of_a_child_in_two_dossiers(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get("/dossier")
    assert "Garde alternée" not in [heading.text for heading in page.all("h4")]
    gateway.say("GET", API, (200, {"shared": True, "patterns": [], "exceptions": []}))
    page = await claire.get("/dossier")
    assert "à établir au guichet" in page.text
    gateway.say("GET", API, (200, CUSTODY))
    page = await claire.get("/dossier")
    assert "À partir du mercredi 9 septembre 2026, chez vous : toute la semaine une semaine" in page.text
    assert "Demander un autre calendrier de garde pour Tom" in page.links()
    assert "Demander une garde alternée pour Inès" in page.links()
    assert not any(call.query for call in gateway.heard("GET", API))
    gateway.refuse("GET", API, 503)
    assert (await claire.get("/dossier")).status == 200
