"""« Planning » before a gateway that says what a month is: read, changed, checked, refused, and what others did."""

import re
from typing import Any

import pytest

from tests.browsers import Browser, Page
from tests.gateways import ME, Gateway
from tests.plannings import (
    DRAFT,
    FULL,
    LATE,
    PATH,
    PLANNINGS,
    PRICES,
    VALIDATE,
    day,
    draft,
    planning,
    prices,
    receipt,
    refused,
    row,
    wish,
)
from tests.screens import Screen, Screens

EDIT = f"{PATH}/modifier"
TOTAL = "Total du changement : "


@pytest.fixture(autouse=True)
def december(gateway: Gateway) -> None:
    gateway.say("GET", PLANNINGS, (200, planning(row("lea", "cantine", 3, 8, 10), row("tom", "cantine"))))
    gateway.say("GET", PRICES, (200, prices("lea", "tom")))


def plain(page: Page) -> str:
    return page.text.replace("\xa0", " ").replace("\u202f", " ")


async def ticked(browser: Browser, *days: int, faire: str = "verifier", page: Page | None = None) -> Page:
    """The first line's boxes are those days, and the form is sent."""
    shown = page or await browser.get(EDIT)
    return await browser.submit(shown, EDIT, l0=[str(one) for one in days], faire=faire)


async def validated(browser: Browser, *days: int) -> Page:
    return await browser.submit(await ticked(browser, *days), EDIT, faire="valider")


async def test_the_rubric_leads_to_this_month_and_its_arrows_to_the_others(claire: Browser) -> None:
    shown = await claire.get("/planning")
    assert shown.heading.startswith("Planning de ")
    shown = await claire.get(PATH)
    assert shown.heading == "Planning de décembre 2026"
    assert shown.links()["← Mois précédent : novembre 2026"] == "/planning/2026-11"
    assert shown.links()["Mois suivant : janvier 2027 →"] == "/planning/2027-01"


async def test_a_month_is_read_day_by_day_and_has_no_box(claire: Browser) -> None:
    shown = await claire.get(PATH)
    text = plain(shown)
    assert not [one for one in shown.all("input") if one.get("type") == "checkbox"]
    for said in (
        "Restauration – Léa",
        "mardi 8 décembre 2026, réservé, 3,10 €, à annuler avant vendredi 4 décembre 2026 à 9 h",
        "mercredi 9 décembre 2026, libre, 3,10 €, à réserver avant samedi 5 décembre 2026 à 9 h",
        f"mercredi 2 décembre 2026, délai dépassé, {LATE}",
        "lundi 21 décembre 2026, vacances, Vacances scolaires (Noël).",
        "3,10 € par repas : quotient de 612.",
    ):
        assert said in text
    assert "Léa : du 14 au 18 décembre." in text, "a week without any booking"
    assert "Tom : du 7 au 11 décembre, du 14 au 18 décembre." in text


@pytest.mark.parametrize("month", ["2026-13", "1999-12", "2026-1", "décembre", "2026-12%2F..", "2100-01"])
async def test_what_is_no_month_has_no_page(claire: Browser, month: str) -> None:
    for page in ("", "/modifier", "/verification", "/recu"):
        assert (await claire.get(f"/planning/{month}{page}")).status == 404


async def test_ticks_become_a_summary_then_a_receipt(claire: Browser, gateway: Gateway) -> None:
    shown = await ticked(claire, 8, 9, 14)
    assert shown.heading == "Vérifiez vos changements de décembre 2026"
    text = plain(shown)
    assert "À réserver (2) mercredi 9, lundi 14" in text
    assert "À annuler (1) jeudi 10" in text
    assert f"{TOTAL}3,10 € de plus" in text
    assert "À valider avant samedi 5 décembre 2026 à 9 h" in text
    assert not gateway.heard("POST", VALIDATE), "nothing is reserved by looking"
    gateway.say("POST", VALIDATE, (200, receipt([9, 14], [10])))
    shown = await claire.submit(shown, EDIT, faire="valider")
    [asked] = gateway.heard("POST", VALIDATE)
    assert asked.headers["If-Match"] == '"3"'
    assert asked.headers["Idempotency-Key"]
    cell = {"child_id": "lea", "activity_id": "cantine"}
    assert asked.body == {
        "month": "2026-12",
        "changes": [
            cell | {"date": day(9), "reserve": True},
            cell | {"date": day(10), "reserve": False},
            cell | {"date": day(14), "reserve": True},
        ],
    }
    assert shown.heading == "Votre planning de décembre 2026 est enregistré"
    assert "Jours réservés Restauration – Léa mercredi 9, lundi 14" in plain(shown)
    assert "Jours annulés Restauration – Léa jeudi 10" in plain(shown)


async def test_the_same_summary_twice_is_sent_under_the_same_key(claire: Browser, gateway: Gateway) -> None:
    gateway.say("POST", VALIDATE, (200, receipt([9])))
    shown = await ticked(claire, 8, 9, 10)
    for _ in range(2):
        await claire.submit(shown, EDIT, faire="valider")
    assert len({call.headers["Idempotency-Key"] for call in gateway.heard("POST", VALIDATE)}) == 1


async def test_nothing_changed_is_said_and_nothing_sent(claire: Browser, gateway: Gateway) -> None:
    shown = await ticked(claire, 8, 10)
    assert "Il n'y a rien à changer" in shown.text
    assert not gateway.heard("POST", VALIDATE)


async def test_choices_are_changed_again_without_loss(claire: Browser) -> None:
    shown = await ticked(claire, 8, 9)
    shown = await claire.get(shown.links()["Changer mes choix"])
    assert shown.form(EDIT)["l0"] == ["8", "9"]


async def test_refused_days_are_told_beside_them_and_the_rest_is_one_more_tap(
    claire: Browser, gateway: Gateway
) -> None:
    gateway.say("POST", VALIDATE, refused("first", c1=FULL))
    before = await ticked(claire, 8, 9, 10, 14, 15)
    now = row("lea", "cantine", 3, 8, 10, d14={"can_change": False, "reason": FULL})
    for number in (9, 15):  # their deadline has passed meanwhile
        now["cells"][number - 1] |= {"can_change": False, "reason": LATE}
    gateway.say("GET", PLANNINGS, (200, planning(now, row("tom", "cantine"))))
    shown = await claire.submit(before, EDIT, faire="valider")
    assert shown.status == 422
    assert shown.errors == [f"Restauration – Léa, lundi 14 décembre 2026 : {FULL}"]
    assert "jour-0-14" in shown.ids()
    assert shown.form(EDIT)["l0"] == ["8", "9", "10", "15"]
    assert "Valider les autres cases" in shown.text
    gateway.say("POST", VALIDATE, (200, receipt([9, 15])))
    shown = await claire.submit(shown, EDIT, faire="valider")
    first, second = gateway.heard("POST", VALIDATE)
    assert second.body["attempt_id"] == "first"
    assert [one["date"] for one in second.body["changes"]] == [day(9), day(15)]
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert "Jours réservés Restauration – Léa mercredi 9, mardi 15" in plain(shown)
    assert "Jours refusés" in shown.text
    assert f"Restauration – Léa, lundi 14 décembre 2026 : {FULL}" in plain(shown)


async def test_twenty_days_asked_at_08_59_of_which_one_is_full_are_nineteen_in_one_more_tap(
    claire: Browser, gateway: Gateway
) -> None:
    gateway.say("GET", PLANNINGS, (200, planning(row("lea", "cantine"), row("tom", "cantine"))))
    weekdays = [str(n) for n in (*range(7, 12), *range(14, 19))]
    page = await claire.get(EDIT)
    page = await claire.submit(page, EDIT, l0=weekdays, l1=weekdays, faire="verifier")
    assert plain(page).count("À réserver (10)") == 2
    gateway.say("POST", VALIDATE, refused("at-08-59", c13=FULL), (200, receipt(list(map(int, weekdays)))))
    page = await claire.submit(page, EDIT, faire="valider")
    late = [row(child, "cantine") for child in ("lea", "tom")]
    for cell in (cell for one in late for cell in one["cells"] if cell["status"] == "open"):
        cell |= {"can_change": False, "reason": LATE}
    gateway.say("GET", PLANNINGS, (200, planning(*late)))
    assert page.errors == [f"Restauration – Tom, jeudi 10 décembre 2026 : {FULL}"]
    page = await claire.submit(page, EDIT, faire="valider")
    again = gateway.heard("POST", VALIDATE)[1].body
    assert (len(again["changes"]), again["attempt_id"]) == (19, "at-08-59")
    assert f"Restauration – Tom, jeudi 10 décembre 2026 : {FULL}" in plain(page)


async def test_a_draft_that_is_refused_says_why_and_loses_no_tick(claire: Browser, gateway: Gateway) -> None:
    gateway.refuse("PUT", DRAFT, 422, "Trop de cases à la fois.")
    shown = await ticked(claire, 8, 9, faire="brouillon")
    assert (shown.status, shown.errors) == (422, ["Trop de cases à la fois."])
    assert shown.form(EDIT)["l0"] == ["8", "9"]


async def test_what_another_guardian_changed_is_shown_and_nothing_is_lost(claire: Browser, gateway: Gateway) -> None:
    shown = await ticked(claire, 8, 9, 10)
    gateway.refuse("POST", VALIDATE, 412, "Quelqu'un d'autre a modifié ces informations.")
    now = planning(row("lea", "cantine", 3, 10, 16), row("tom", "cantine", 7), version=5)
    gateway.say("GET", PLANNINGS, (200, now))
    shown = await claire.submit(shown, EDIT, faire="valider")
    assert shown.status == 422
    text = plain(shown)
    assert "Restauration – Léa : réservé entre-temps : mercredi 16 ; annulé entre-temps : mardi 8" in text
    assert "Restauration – Tom : réservé entre-temps : lundi 7" in text
    assert "À réserver (1) mercredi 9" in text
    gateway.say("POST", VALIDATE, (200, receipt([9])))
    shown = await claire.submit(shown, EDIT, faire="valider")
    again = gateway.heard("POST", VALIDATE)[-1]
    assert again.headers["If-Match"] == '"5"'
    assert [one["date"] for one in again.body["changes"]] == [day(9)], "what the other did is not undone"
    assert "est enregistré" in shown.heading


async def test_what_changed_while_ticking_is_shown_before_it_is_validated(claire: Browser, gateway: Gateway) -> None:
    shown = await claire.get(EDIT)
    gateway.say("GET", PLANNINGS, (200, planning(row("lea", "cantine", 3, 8, 9, 10), row("tom", "cantine"), version=4)))
    shown = await ticked(claire, 8, 9, page=shown)
    assert "réservé entre-temps : mercredi 9" in plain(shown)
    assert "À annuler (1) jeudi 10" in plain(shown)
    assert "À réserver" not in plain(shown)


async def test_a_draft_is_kept_shown_over_the_month_and_dropped(claire: Browser, gateway: Gateway) -> None:
    gateway.say("PUT", DRAFT, (200, {}))
    gateway.say("DELETE", DRAFT, (204, None))
    shown = await claire.get(EDIT)
    kept = planning(
        row("lea", "cantine", 3, 8, 10), draft=draft(wish(9), wish(10, False), wish(2, reason=LATE), wish(8))
    )
    gateway.say("GET", PLANNINGS, (200, kept))
    shown = await ticked(claire, 8, 9, faire="brouillon", page=shown)
    [put] = gateway.heard("PUT", DRAFT)
    assert [(one["date"], one["reserve"]) for one in put.body["changes"]] == [(day(9), True), (day(10), False)]
    text = plain(shown)
    assert "rien n'est encore réservé" in text
    assert "Restauration – Léa : à réserver mercredi 9 ; à annuler jeudi 10" in text
    assert f"Ne peut plus être validé : Restauration – Léa, mercredi 2 décembre 2026. {LATE}" in text
    assert "mercredi 9 décembre 2026, ajout, au brouillon, libre" in text
    assert "jeudi 10 décembre 2026, retrait, au brouillon" in text
    edit = await claire.get(EDIT)
    assert edit.form(EDIT)["l0"] == ["8", "9"]
    assert "Votre brouillon est repris ici" in edit.text
    await claire.submit(shown, f"{PATH}/brouillon")
    await ticked(claire, 8, 10, faire="brouillon")
    dropped = gateway.heard("DELETE", DRAFT)
    assert [call.query for call in dropped] == [{"month": "2026-12"}] * 2, "a draft of nothing is none"


async def test_a_session_that_ends_in_the_middle_of_ticks_leads_back_to_them(claire: Browser, gateway: Gateway) -> None:
    shown = await claire.get(EDIT)
    claire.cookies.clear()
    shown = await ticked(claire, 8, 9, 14, page=shown)
    assert "Votre session est terminée" in shown.text
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    shown = await claire.submit(shown, "/connexion", login="claire", password="Villeneuve!2026")
    shown = await claire.submit(shown, EDIT)
    assert "À réserver (2) mercredi 9, lundi 14" in plain(shown)


async def test_prices_that_are_not_known_take_nothing_else_with_them(claire: Browser, gateway: Gateway) -> None:
    gateway.refuse("GET", PRICES, 503)
    shown = await ticked(claire, 8, 9, 10)
    assert "Le prix de ces jours n'est pas disponible pour le moment." in shown.text
    gateway.say("GET", PRICES, (200, prices("tom")))
    assert "n'est pas disponible" in (await ticked(claire, 8, 9, 10)).text


async def test_an_answer_that_is_no_refusal_of_days_is_told_above_the_summary(
    claire: Browser, gateway: Gateway
) -> None:
    gateway.refuse("POST", VALIDATE, 409, "Votre demande précédente est en cours.")
    shown = await validated(claire, 8, 9, 10)
    assert (shown.status, shown.errors) == (422, ["Votre demande précédente est en cours."])
    assert "À réserver (1) mercredi 9" in plain(shown)


@pytest.mark.parametrize(
    "forged",
    [
        {"ligne": "lea"},
        {"ligne": "lea:cantine:0:x"},
        {"ligne": "lea:cantine:-1:0"},
        {"ligne": f"lea:cantine:0:{1 << 40}"},
        {"l0": "32"},
        {"l0": "<script>"},
        {"l0": "9" * 5000},
        {"vu": "*", "faire": "valider"},
    ],
)
async def test_a_forged_field_is_a_page_and_reaches_nobody(
    claire: Browser, gateway: Gateway, forged: dict[str, str]
) -> None:
    shown = await claire.submit(await claire.get(EDIT), EDIT, **{"faire": "verifier"} | forged)
    assert (shown.status, shown.heading) == (404, "Page introuvable")
    assert not gateway.heard("POST", VALIDATE)


async def test_another_family_is_told_nothing(claire: Browser, gateway: Gateway) -> None:
    gateway.refuse("POST", VALIDATE, 404)
    assert (await validated(claire, 8, 9, 10)).status == 404


async def test_choices_that_are_not_ours_are_as_if_there_were_none(claire: Browser) -> None:
    shown = await claire.get(f"{PATH}/verification?choix=x")
    assert shown.path == EDIT
    mine = (await ticked(claire, 8, 9)).links()["Changer mes choix"]
    other = await claire.get(mine.replace("2026-12", "2027-01"))
    assert other.form("/planning/2027-01/modifier")["l0"] == ["8", "10"]
    assert (await claire.get(f"{PATH}/recu?recu=x")).heading == "Planning de décembre 2026"


async def test_a_month_without_activity_says_what_to_do(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", PLANNINGS, (200, planning()))
    shown = await claire.get(PATH)
    assert shown.links()["Inscrire un enfant"] == "/inscriptions"
    assert "Modifier" not in shown.links()


async def test_a_week_of_holidays_is_shown_and_is_no_box(claire: Browser, gateway: Gateway) -> None:
    said = {"reason": "Les semaines de vacances se réservent depuis la rubrique Inscription.", "can_change": False}
    week = row("lea", "soir", 21, 22)
    for cell in week["cells"]:
        booked = cell["date"] in (day(21), day(22))
        cell |= said | {"status": "reserved" if booked else "closed", "booking_id": "b" if booked else None}
    gateway.say("GET", PLANNINGS, (200, planning(week, row("tom", "cantine"))))
    shown = await claire.get(PATH)
    assert "lundi 21 décembre 2026, réservé" in plain(shown)
    assert plain(shown).count("lundi 14 décembre 2026,") == 1, "only where something is booked"
    shown = await claire.get(EDIT)
    assert "Léa" not in shown.text
    assert len(shown.form(EDIT)["ligne"]) == 1


async def test_the_same_for_another_child_is_proposed_and_ticked_when_it_is_accepted(
    claire: Browser, gateway: Gateway
) -> None:
    tom = row("tom", "cantine", 11, d14={"can_change": False, "reason": FULL})
    gateway.say("GET", PLANNINGS, (200, planning(row("lea", "cantine", 3, 8, 10), tom)))
    shown = await ticked(claire, 8, 9, 14, faire="meme:0:1")
    text = plain(shown)
    assert "Proposition : rien n'est encore coché" in text
    assert "Restauration – Tom : à réserver mardi 8, mercredi 9 ; à annuler vendredi 11." in text
    assert f"Pas possible : Restauration – Tom, lundi 14 décembre 2026. {FULL}" in text
    assert f"Pas possible : Restauration – Tom, jeudi 3 décembre 2026. {LATE}" in text
    sent = shown.form(EDIT)
    assert (sent["l0"], sent["l1"]) == (["8", "9", "14"], ["11"]), "nothing is ticked by itself, nothing is lost"
    shown = await claire.submit(shown, EDIT, faire="cocher")
    sent = shown.form(EDIT)
    assert (sent["l0"], sent["l1"]) == (["8", "9", "14"], ["8", "9"])
    assert "Proposition" not in shown.text
    assert not gateway.heard("PUT", DRAFT)


async def test_a_copied_week_is_proposed_as_planning_says(claire: Browser, gateway: Gateway) -> None:
    gateway.say("PUT", DRAFT, (200, {}))
    said = {"changes": [wish(16)], "refused": [wish(15, reason=FULL)]}
    gateway.say("POST", f"{PLANNINGS}/copy-week", (200, said))
    shown = await claire.get(EDIT)
    shown = await claire.submit(shown, EDIT, l0=["8", "9"], semaine="2026-12-07", faire="copier")
    [kept], [asked] = gateway.heard("PUT", DRAFT), gateway.heard("POST", f"{PLANNINGS}/copy-week")
    assert [one["date"] for one in kept.body["changes"]] == [day(9), day(10)]
    assert asked.body == {"child_ids": ["lea", "tom"], "week": "2026-12-07", "to_weeks": ["2026-12-14"]}
    assert "Restauration – Léa : à réserver mercredi 16." in plain(shown)
    assert f"Pas possible : Restauration – Léa, mardi 15 décembre 2026. {FULL}" in plain(shown)
    assert shown.form(EDIT)["l0"] == ["8", "9"]
    shown = await claire.submit(shown, EDIT, faire="cocher")
    assert shown.form(EDIT)["l0"] == ["8", "9", "16"]


async def test_a_week_like_the_others_has_nothing_to_propose(claire: Browser, gateway: Gateway) -> None:
    gateway.say("POST", f"{PLANNINGS}/copy-week", (200, {"changes": [], "refused": []}))
    shown = await claire.submit(await claire.get(EDIT), EDIT, semaine="2026-12-07", faire="copier")
    assert "Rien à proposer" in shown.text
    assert "Cocher ces jours" not in shown.text
    assert not gateway.heard("PUT", DRAFT), "nothing was ticked: there is nothing to keep"


@pytest.mark.parametrize(
    "forged",
    [
        {"faire": "meme:0:9"},
        {"faire": "meme:0"},
        {"faire": "meme:x:y"},
        {"faire": "copier", "semaine": "2026-12-08"},
        {"faire": "cocher", "propose": "x"},
    ],
)
async def test_a_forged_wish_to_copy_is_a_page(claire: Browser, forged: dict[str, str]) -> None:
    assert (await claire.submit(await claire.get(EDIT), EDIT, **forged)).status == 404


async def test_the_history_says_who_did_what(claire: Browser, gateway: Gateway) -> None:
    said: dict[str, Any] = {"child_first_name": "Léa", "activity_name": "Restauration", "at": "2026-11-20T08:00:00Z"}
    entries = [
        said | {"by": by, "name": name, "reason": reason, "reserved": [day(9)], "cancelled": [day(10)]}
        for by, name, reason in [
            ("you", "Claire Moreau", None),
            ("family", "Paul Moreau", None),
            ("other_family", None, None),
            ("desk", "Anne Petit", "Certificat médical."),
            ("town", None, "Tom a changé d'école."),
        ]
    ]
    gateway.say("GET", f"{PLANNINGS}/history", (200, {"items": entries, "next_cursor": "next"}))
    shown = await claire.get((await claire.get(PATH)).links()["Historique du mois"])
    text = plain(shown)
    for one in (
        "Le vendredi 20 novembre 2026 à 9 h, par vous.",
        "par l'autre responsable de votre dossier (Paul Moreau).",
        "par l'autre foyer de l'enfant.",
        "par le guichet (Anne Petit). Certificat médical.",
        "par le planning de la commune. Tom a changé d'école.",
        "Jours réservés mercredi 9",
        "Jours annulés jeudi 10",
    ):
        assert one in text
    await claire.get(shown.links()["Voir plus ancien"])
    assert gateway.heard("GET", f"{PLANNINGS}/history")[-1].query["cursor"] == "next"


async def test_a_proposal_and_a_history_are_looked_at(family_window: Screen, gateway: Gateway) -> None:
    await family_window.open(EDIT)
    await family_window.page.locator("summary", has_text="Copier une semaine").click()
    await family_window.press("La même chose pour Tom")
    await family_window.look("planning-proposition")
    said: dict[str, Any] = {"child_first_name": "Léa", "activity_name": "Restauration", "at": "2026-11-20T08:00:00Z"}
    entry = said | {"by": "you", "name": None, "reason": None, "reserved": [day(9)], "cancelled": [day(10)]}
    gateway.say("GET", f"{PLANNINGS}/history", (200, {"items": [entry, entry], "next_cursor": None}))
    await family_window.open(f"{PATH}/historique")
    await family_window.look("planning-historique")


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_month_is_changed_on_a_phone(screens: Screens, pages: str, gateway: Gateway, scripts: bool) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    window = await screens.open(pages, scripts=scripts)
    await window.sign_in("claire", "Villeneuve!2026")
    await window.press("Planning")
    await window.open(PATH)
    await window.look("planning" if scripts else "")
    await window.press("Modifier")
    await window.page.get_by_label("mercredi 9 décembre 2026").first.check()
    await window.page.get_by_label("jeudi 10 décembre 2026").first.uncheck()
    assert ("aucun changement de prix (2 jours)" in await window.text()) is scripts
    every = window.page.get_by_role("checkbox", name="Tous les lundis, Restauration – Tom")
    assert await every.count() == int(scripts)
    if scripts:
        await every.check()
        assert "6,20 € de plus (4 jours)" in (await window.text()).replace("\xa0", " ")
        await window.page.get_by_role("checkbox", name=re.compile("^lundi 7 décembre")).last.uncheck()
        assert await every.evaluate("box => box.indeterminate")
        await every.check()
        await every.uncheck()
        assert "(2 jours)" in await window.text()
        await window.page.get_by_role("checkbox", name=re.compile("^Toute la semaine, Du 7 décembre.*Tom$")).check()
        assert "(2 jours)" not in await window.text()
        await window.press("Annuler le dernier changement")
        assert "(2 jours)" in await window.text()
    await window.look("planning-modifier" if scripts else "")
    await window.page.locator("summary").first.click()
    await window.look()
    await window.press("Valider")
    assert await window.heading() == "Vérifiez vos changements de décembre 2026"
    await window.look("planning-verification" if scripts else "")
    gateway.say("POST", VALIDATE, refused("first", c0=FULL), (200, receipt([], [10])))
    await window.press("Valider")
    await window.look("planning-refuse" if scripts else "")
    await window.press("Valider les autres cases")
    assert await window.heading() == "Votre planning de décembre 2026 est enregistré"
    await window.look("planning-recu" if scripts else "")


async def test_a_month_is_changed_by_keyboard(family_window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", VALIDATE, (200, receipt([9], [])))
    await family_window.open(PATH)
    await family_window.tab_to("Modifier")
    await family_window.strike()
    await family_window.tab_to("mercredi 9 décembre 2026")
    await family_window.page.keyboard.press("Space")
    for heading in ("Vérifiez vos changements de décembre 2026", "Votre planning de décembre 2026 est enregistré"):
        await family_window.tab_to("Valider")
        await family_window.strike()
        assert await family_window.heading() == heading


async def test_a_draft_and_what_others_changed_are_looked_at(family_window: Screen, gateway: Gateway) -> None:
    kept = planning(row("lea", "cantine", 3, 8, 10), draft=draft(wish(9), wish(10, False), wish(2, reason=LATE)))
    gateway.say("GET", PLANNINGS, (200, kept))
    await family_window.open(PATH)
    await family_window.look("planning-brouillon")
    await family_window.press("Reprendre le brouillon")
    await family_window.look("planning-modifier-brouillon")
    await family_window.press("Valider")
    gateway.refuse("POST", VALIDATE, 412)
    gateway.say("GET", PLANNINGS, (200, kept | planning(row("lea", "cantine", 3, 10, 16), version=4)))
    await family_window.press("Valider")
    await family_window.look("planning-change-entre-temps")
