"""Each component as it stands on a page."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis import towns
from jinja2 import Environment
from web.forms import Form
from web.months import Cell, month
from web.refusals import Refused
from web.rendering import environment
from web.static import Static
from web.town import Look, Town

from tests.browsers import Page, words

TOWN = Path(__file__).parents[2] / "deploy" / "towns" / "villeneuve-sur-bievre.toml"


@pytest.fixture(scope="module")
def templates() -> Environment:
    said = towns.read(TOWN)
    return environment(Town(**{name: said[name] for name in ("town", "desk", "waiting_list")}), Static(Look()))


def shown(templates: Environment, component: str, call: str, **context: Any) -> Page:
    macro = call.partition("(")[0]
    source = f'{{% from "components/{component}.html" import {macro} %}}{{{{ {call} }}}}'
    body = templates.from_string(source).render(**context)
    return Page(200, {}, f"<!doctype html><html lang=fr><title>x</title><main>{body}</main></html>", "/")


def test_a_field_says_what_is_wrong_in_its_description(templates: Environment) -> None:
    form = Form({"email": ["<b>@"]})
    form.refuse("email", "Un courriel est attendu.")
    page = shown(
        templates,
        "field",
        "field(form, 'email', 'Courriel', kind='email', hint='Par exemple', autocomplete='email')",
        form=form,
    )
    [given] = page.all("input")
    assert (given.get("value"), given.get("aria-invalid"), given.get("autocomplete")) == ("<b>@", "true", "email")
    assert given.get("aria-describedby") == "email-hint email-error"
    assert {"email-hint", "email-error"} < set(page.ids())
    assert "Courriel (obligatoire)" in page.text


def test_a_password_is_never_written_back(templates: Environment) -> None:
    page = shown(templates, "field", "field(form, 'p', 'Mot de passe', kind='password')", form=Form({"p": ["Secret!"]}))
    assert "Secret!" not in page.source


def test_a_choice_keeps_what_was_chosen(templates: Environment) -> None:
    options = [("1", "Inès"), ("2", "Tom", "CE1")]
    page = shown(
        templates, "choice", "choice(form, 'enfant', 'Enfant', options)", form=Form({"enfant": ["2"]}), options=options
    )
    assert [one.get("checked") is not None for one in page.all("input")] == [False, True]
    assert page.ids() == ["enfant"]


def test_the_summary_leads_to_each_input(templates: Environment) -> None:
    form = Form()
    form.refused(
        Refused(422, errors=[("/email", "Un."), ("/other", "Deux.")], detail="Trois."),
        ["courriel"],
        {"email": "courriel"},
    )
    page = shown(templates, "summary", "error_summary(form)", form=form)
    assert page.errors == ["Un.", "Deux."]
    assert page.links() == {"Un.": "#courriel"}
    assert "Plusieurs points sont à corriger" in page.text
    assert shown(templates, "summary", "error_summary(form)", form=Form()).text == ""


def test_a_key_used_already_is_left_behind_with_a_sentence(templates: Environment) -> None:
    form = Form({"cle": ["one-of-before"]})
    form.refused(Refused(422, "urn:problem:idempotency-key-reused", detail="Cette clé a déjà servi."), [])
    assert form.get("cle") == ""
    assert "avait déjà été envoyée" in form.errors[0].message


def test_a_summary_list_leads_back_to_what_may_be_changed(templates: Environment) -> None:
    page = shown(templates, "summary_list", "summary_list(rows)", rows=[("Nom", "Moreau", "/nom"), ("Total", "12 €")])
    assert page.links() == {"Modifier : Nom": "/nom"}
    assert [words(one) for one in page.all("dd")] == ["Moreau", "Modifier : Nom", "12 €"]


def test_amounts_days_and_moments_are_written_as_a_french_reader_expects(templates: Environment) -> None:
    assert shown(templates, "amount", "amount(1250)").text == "12,50 €"
    assert shown(templates, "day", "day(d)", d=date(2027, 3, 1)).text == "lundi 1er mars 2027"
    page = shown(templates, "day", "moment(m)", m=datetime(2027, 3, 3, 8, tzinfo=UTC))
    assert page.text == "mercredi 3 mars 2027 à 9 h"


def test_a_month_is_a_table_of_weeks_in_which_a_closed_day_is_a_word(templates: Environment) -> None:
    first = date(2026, 12, 1)
    cells = [
        Cell(day, words="férié")
        if day.day == 25
        else Cell(day, name="jour", value=str(day), ticked=day.day == 3, words="libre")
        for day in (first + timedelta(days=n) for n in range(31))
        if day.weekday() < 5
    ]
    page = shown(templates, "month_table", "month_table(month, 'Restauration – Léa')", month=month(cells))
    assert len(page.all("tbody")[0]) == 5
    assert [one.get("scope") for one in page.all("th")] == ["col"] * 6 + ["row"] * 5
    boxes = page.all("input")
    assert len(boxes) == 22
    assert [one.get("value") for one in boxes if one.get("checked") is not None] == ["2026-12-03"]
    assert "jeudi 3 décembre 2026, libre" in page.text
    assert "férié" in page.text


def test_a_month_shows_the_weekend_only_where_something_is_there() -> None:
    saturday = date(2026, 12, 5)
    assert len(month([Cell(saturday)]).columns) == 5
    assert month([Cell(saturday)]).weeks == []
    assert month([Cell(saturday, name="jour")]).columns[-1] == "samedi"


def test_a_notice_says_its_title(templates: Environment) -> None:
    source = '{% from "components/notice.html" import notice %}{% call notice("good", "Fait") %}<p>Oui</p>{% endcall %}'
    assert "Fait" in templates.from_string(source).render()
