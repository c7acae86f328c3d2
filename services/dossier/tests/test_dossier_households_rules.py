"""Whom a household needs, and whom it knows."""

from datetime import date

import pytest
from chassis.identifiers import new_id
from contracts.dossier import Custody, CustodyException, CustodyPattern
from dossier.households.rules import (
    EVER,
    Named,
    Paying,
    handed_over,
    in_words,
    is_school_year,
    lacking,
    overlapping,
    paying,
    with_payer,
)

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("roles", "whom"),
    [
        ([["legal_guardian", "payer"]], None),
        ([["legal_guardian"], ["payer", "contact"]], None),
        ([["payer"], ["contact"]], "responsable légal"),
        ([["legal_guardian"], ["contact"]], "payeur"),
        ([], "responsable légal"),
    ],
)
def test_a_dossier_has_a_guardian_and_a_payer(roles: list[list[str]], whom: str | None) -> None:
    assert lacking(roles) == whom  # type: ignore[arg-type] # as they are typed


def test_the_first_guardian_pays_where_nobody_is_said_to() -> None:
    assert with_payer([["contact"], ["legal_guardian", "legal_guardian"], ["legal_guardian"]]) == [
        ["contact"],
        ["legal_guardian", "payer"],
        ["legal_guardian"],
    ]
    assert with_payer([["legal_guardian"], ["payer"]]) == [["legal_guardian"], ["payer"]]


def test_a_person_is_known_however_their_name_is_typed() -> None:
    assert Named("Anne-Marie", "LE GOFF").is_same(Named("anne marie", "Le Goff"))
    assert not Named("Anne", "Le Goff").is_same(Named("Anne-Marie", "Le Goff"))


def test_a_school_year_goes_from_one_year_to_the_next() -> None:
    assert [is_school_year(one) for one in ("2026-2027", "2026-2028", "2026", "1926-1927", "2026-2027 ")] == [
        True,
        *[False] * 4,
    ]


def test_who_pays_is_said_from_a_day_on_by_who_speaks_last() -> None:
    claire, paul, zoe = new_id(), new_id(), new_id()
    march, june = date(2027, 3, 1), date(2027, 6, 1)
    first = handed_over([], claire, Paying(march, paul))
    assert first == [Paying(EVER, claire), Paying(march, paul)]
    assert [paying(first, day) for day in (date(2027, 2, 28), march, june)] == [claire, paul, paul]
    assert handed_over([*first, Paying(june, zoe)], paul, Paying(march, zoe)) == [
        Paying(EVER, claire),
        Paying(march, zoe),
    ]
    assert handed_over(first, paul, Paying(june, paul)) == first
    assert handed_over(first, paul, Paying(march, claire)) == [Paying(EVER, claire)]
    assert paying([], march) is None


def test_periods_that_share_a_day_overlap() -> None:
    monday = date(2026, 12, 7)
    week = monday, date(2026, 12, 13)
    assert overlapping([(date(2026, 12, 13), date(2026, 12, 20)), week])
    assert not overlapping([(date(2026, 12, 14), date(2026, 12, 20)), week])


def test_a_family_reads_its_days_in_words() -> None:
    own, other = new_id(), new_id()
    wednesdays = CustodyPattern(valid_from=date(2027, 1, 4), days=(other, other, own, other, own, other, other))
    weeks = CustodyPattern(valid_from=date(2026, 12, 7), days=(own,) * 7 + (other,) * 7)
    exception = CustodyException(first_day=date(2026, 12, 24), last_day=date(2026, 12, 25), dossier_id=own)
    assert in_words(Custody(patterns=(weeks, wednesdays), exceptions=(exception,)), own) == [
        "À partir du lundi 7 décembre 2026, vos jours de garde sont : toute la semaine une semaine, "
        "aucun jour la suivante.",
        "À partir du lundi 4 janvier 2027, vos jours de garde sont : mercredi, vendredi chaque semaine.",
        "Exceptions pour vos jours de garde : du jeudi 24 décembre 2026 au vendredi 25 décembre 2026 (de garde).",
    ]
