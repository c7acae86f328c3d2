"""What an administrator keeps: calendar, rules, catalogue, staff, programs; and one's own second factor."""

from typing import Any

import pytest

from tests.browsers import Browser, Page
from tests.gateways import DOSSIER, ME, Gateway, listed
from tests.screens import Screen

CALENDAR, CALENDAR_API = "/agent/calendrier", "/planning/v1/calendar"
RULES, RULES_API = "/agent/catalogue/activites/a/regles", "/planning/v1/activities/a/rules"
ACTIVITY, ACTIVITIES_API = "/agent/catalogue/activites/a", "/enrolment/v1/activities"
WEEK, WEEKS_API = "/agent/catalogue/semaines/w", "/enrolment/v1/holiday-weeks"
STAFF, STAFF_API = "/agent/comptes", "/identity/v1/accounts"
PROGRAMS, PROGRAMS_API = "/agent/programmes", "/identity/v1/clients"
LOG, LOG_API = "/agent/journal", "/planning/v1/desk-log"
ACT: dict[str, Any] = {
    "at": "2026-11-20T09:00:00Z",
    "role": "agent",
    "name": "Luc Petit",
    "act": "POST /plannings/validate",
    "subject_id": None,
    "dossier_id": "d",
    "reason": "Oubli signalé",
}
BRIDGE = {"date": "2027-05-07", "name": "Pont de l'Ascension"}


def moment(words: str) -> dict[str, Any]:
    return {"until": "2027-05-06T07:00:00Z", "in_words": words, "open": True}


def deadlines(words: str) -> dict[str, Any]:
    return {"date": "2027-05-10", "booking": moment(words), "cancellation": moment(words)}


NEXT = "0199d0c0-0000-7000-8000-000000000001"


CLOSED = ("1 jour réservé n'a plus lieu", "2 jours réservés n'ont plus lieu (2 enfants, 1 famille)")
UNFIT = (
    "1 inscription ne serait plus acceptée",
    "2 inscriptions ne seraient plus acceptées (2 enfants, 1 famille)",
    "L'activité est fermée.",
)
OFFERED = ("1 attente reçoit une proposition", "2 attentes reçoivent une proposition (2 enfants, 1 famille)")


def touched(
    first_name: str = "Léa", following: str | None = None, words: tuple[str, ...] = CLOSED, *days: str
) -> dict[str, Any]:
    """Whom an edit touches, with that child on the page: `words` of its things, of all, and why."""
    counted = {"count": 2, "children": 2, "families": 1, "in_words": words[1]}
    things = {
        "touch": "closed",
        "in_words": words[0],
        "reason": words[2] if len(words) > 2 else None,
        "dossier_id": "d",
        "dossier_number": "100001",
        "activity_id": "a",
        "activity_name": "Restauration",
        "site_id": "s",
        "site_name": "École Jean Jaurès",
        "count": 1,
        "days": days or ["2027-05-07"] * (words is not UNFIT),
    }
    sites = [counted | {"site_id": one, "site_name": one} for one in ("École Jean Jaurès", "École des Tilleuls")]
    activity = counted | {"activity_id": "a", "activity_name": "Restauration", "sites": sites}
    return {
        "said": ["Rien n'est annulé."],
        "touches": [counted | {"touch": "closed", "activities": [activity]}],
        "children": {
            "items": [{"child_id": "c", "child_first_name": first_name, "things": [things]}],
            "next_cursor": following,
        },
    }


CHANGES = {
    "touched": touched(),
    "changes": [
        {"activity_name": "Restauration", "date": "2027-05-07", "before": deadlines("jeudi"), "after": None},
        {"activity_name": "Restauration", "date": "2027-05-10"}
        | {"before": deadlines("vendredi 7 mai"), "after": deadlines("mercredi 5 mai")},
    ],
}
RULE = {"rule": "days_before", "n": 1, "time": "09:00:00", "working_days": True}
SAID: dict[str, Any] = {
    "activity_id": "a",
    "activity_name": "Restauration",
    "weekdays": ["monday", "friday"],
    "booking_deadline": RULE,
    "booking_in_words": "le jour ouvré précédent à 9 h",
    "cancellation_deadline": {"rule": "none"},
    "cancellation_in_words": "sans délai, jusqu'au jour même",
    "bands": [{"ages": [3, 5], "places": 40, "site_id": None}],
}
ENTRY: dict[str, Any] = {
    "id": "a",
    "code": "cantine",
    "name": "Restauration",
    "kind": "restauration",
    "site_id": None,
    "payment": "monthly",
    "charging": "reservation",
    "regie": "enfance",
    "status": "open",
    "ages": [3, 11],
    "levels": ["nursery"],
    "sector": ["s"],
    "enrolment_windows": [{"school_year": "2026-2027", "opens_at": "2026-06-01T06:00:00Z", "closes_at": None}],
}
SITE = {"id": "s", "code": "jean-jaures", "kind": "school", "name": "École Jean Jaurès"}
EDITION: dict[str, Any] = {
    "id": "w",
    "activity_id": "a",
    "centre": "La Bièvre",
    "name": "Noël",
    "group": "6-11 ans",
    "ages": [6, 11],
    "dates": ["2026-12-21", "2026-12-22", "2026-12-23", "2026-12-24"],
    "places": 24,
    "taken": 20,
    "booking_opens_at": None,
    "residents_open_at": None,
    "booking_closes_at": "2026-11-30T22:59:00Z",
    "cancellation_closes_at": "2026-12-06T22:59:00Z",
    "hold_minutes": 20,
    "version": 4,
    "place_changes": [
        {"changed_at": "2026-11-01T09:00:00Z", "name": "Ada", "before": 20, "after": 24, "reason": "Une animatrice."}
    ],
}
LUC = {
    "id": "l",
    "version": 2,
    "status": "active",
    "role": "agent",
    "username": "luc.petit",
    "first_name": "Luc",
    "last_name": "Petit",
    "email": "luc@example.org",
    "site_ids": [],
    "regies": ["enfance"],
    "has_second_factor": True,
}
PROGRAM = {
    "id": "p",
    "name": "cuisine",
    "scope": "meals:read",
    "created_at": "2026-11-01T09:00:00Z",
    "secrets": [{"created_at": "2026-11-01T09:00:00Z", "expires_at": None}],
}
TABLETS, TABLETS_API = "/agent/tablettes", "/identity/v1/devices"
TABLET = {"id": "t", "site_id": "s", "name": "Tablette de la cour", "created_at": "2026-11-01T09:00:00Z"}
STALE_PAGE = "Quelqu'un d'autre a modifié cette page entre-temps : voici comment elle est maintenant."
STALE = {"type": "urn:problem:stale", "title": "", "detail": "Modifié entre-temps."}


@pytest.fixture(autouse=True)
def town(gateway: Gateway) -> None:
    gateway.say("GET", CALENDAR_API, (200, {"closed_days": [BRIDGE]}))
    gateway.say("GET", RULES_API, (200, SAID))
    gateway.say("GET", ACTIVITIES_API, (200, listed(ENTRY)))
    gateway.say("GET", f"{ACTIVITIES_API}/a", (200, ENTRY))
    gateway.say("GET", f"{ACTIVITIES_API}/a/holiday-weeks", (200, listed(EDITION)))
    gateway.say("GET", f"{WEEKS_API}/w", (200, EDITION))
    gateway.say("GET", "/enrolment/v1/sites", (200, listed(SITE)))
    gateway.say("GET", "/enrolment/v1/sites/s", (200, SITE))
    gateway.say("GET", STAFF_API, (200, listed(LUC)))
    gateway.say("GET", f"{STAFF_API}/l", (200, LUC))
    gateway.say("GET", PROGRAMS_API, (200, listed(PROGRAM)))
    gateway.say("GET", TABLETS_API, (200, listed(TABLET)))
    gateway.say("GET", "/dossier/v1/dossiers", (200, listed(DOSSIER)))
    for service in ("identity", "planning"):
        gateway.say("GET", f"/{service}/v1/desk-log", (200, listed(ACT)))


def plain(page: Page) -> str:
    return page.text.replace("\xa0", " ")


def chosen(page: Page, name: str) -> list[str | None]:
    """What that list of the page has selected."""
    [found] = [one for one in page.all("select") if one.get("name") == name]
    return [one.get("value") for one in found.iter() if one.get("selected") is not None]


async def test_closed_days_are_shown_with_what_they_change_before_they_are_stored(
    administrator: Browser, gateway: Gateway
) -> None:
    page = await administrator.get(CALENDAR)
    page = await administrator.submit(page, f"{CALENDAR}/verification")
    assert page.errors == ["Indiquez un jour à ajouter, ou cochez un jour à retirer."]
    page = await administrator.submit(page, f"{CALENDAR}/verification", du="2027-05-10", au="2027-05-09", nom="Pont")
    assert "La fin suit le début" in page.errors[0]
    gateway.say("PUT", CALENDAR_API, (200, CHANGES))
    asked = {"du": "2027-07-13", "au": "2027-07-14", "nom": "Fête|locale", "retirer": "2027-05-07"}
    page = await administrator.submit(page, f"{CALENDAR}/verification", **asked)
    assert "1 jour où l’activité n’a plus lieu" in plain(page)
    assert "à réserver avant mercredi 5 mai (avant : vendredi 7 mai)" in plain(page)
    assert "2 jours réservés n'ont plus lieu" in page.text
    assert page.links()["100001, dossier de Léa"] == "/agent/dossiers/d"
    [preview] = gateway.heard("PUT", CALENDAR_API)
    assert (preview.query, preview.headers["If-Match"]) == ({"preview": "true"}, '"7"')
    wanted = [{"date": f"2027-07-{day}", "name": "Fête|locale"} for day in (13, 14)]
    assert preview.body == {"closed_days": wanted}
    page = await administrator.submit(page, CALENDAR)
    assert page.path == f"{CALENDAR}?enregistre"
    stored = gateway.heard("PUT", CALENDAR_API)[1]
    assert (stored.query, stored.body, stored.headers["If-Match"]) == ({}, preview.body, '"7"')


async def test_whom_an_edit_touches_is_read_page_by_page_and_as_a_file(
    administrator: Browser, gateway: Gateway
) -> None:
    """As the calendar does it, so do the others: what was shown is asked again, from a child on or whole."""
    last = CHANGES | {"touched": touched("Tom")}
    gateway.say("PUT", CALENDAR_API, (200, CHANGES | {"touched": touched(following=NEXT)}), (200, last))
    page = await administrator.get(CALENDAR)
    page = await administrator.submit(page, f"{CALENDAR}/verification", du="2027-05-10", nom="Pont")
    assert ("Léa" in page.text, "Revenir au début" in page.text) == (True, False)
    page = await administrator.post(f"{CALENDAR}/verification", page.form(CALENDAR) | {"suite": NEXT})
    assert ("Tom" in page.text, "Page suivante" in page.text, "Revenir au début" in page.text) == (True, False, True)
    gateway.say("PUT", CALENDAR_API, (200, CHANGES | {"touched": touched(following=NEXT)}), (200, last))
    cookies = "; ".join(f"{name}={value}" for name, value in administrator.cookies.items())
    async with administrator.client.post(
        f"{administrator.origin}{CALENDAR}/verification.csv",
        data=[(name, one) for name, said in page.form(CALENDAR).items() for one in said],
        headers=administrator.headers | {"Cookie": cookies},
    ) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="familles-concernees.csv"'
        rows = [line.split(";") for line in (await answer.text("utf-8-sig")).splitlines()]
    assert [row[:2] for row in rows] == [["Dossier", "Enfant"], ["100001", "Léa"], ["100001", "Tom"]]
    calls = gateway.heard("PUT", CALENDAR_API)
    assert [one.query.get("cursor") for one in calls] == [None, NEXT, None, NEXT]
    assert len({str(one.body) for one in calls}) == 1
    gateway.say("PUT", CALENDAR_API, (412, STALE))
    refused = await administrator.post(f"{CALENDAR}/verification.csv", page.form(CALENDAR))
    assert "modifié le calendrier" in refused.errors[0]
    nothing = {"csrf": page.form(CALENDAR)["csrf"]}
    assert (await administrator.post(f"{CALENDAR}/verification.csv", nothing)).status == 404


async def test_a_calendar_that_changed_meanwhile_is_shown_as_it_is(administrator: Browser, gateway: Gateway) -> None:
    gateway.say("PUT", CALENDAR_API, (412, STALE))
    page = await administrator.get(CALENDAR)
    page = await administrator.submit(page, f"{CALENDAR}/verification", du="2027-05-10", nom="Pont")
    assert (page.status, "modifié le calendrier" in page.errors[0]) == (422, True)


async def test_rules_are_shown_with_what_they_change_before_they_are_stored(
    administrator: Browser, gateway: Gateway
) -> None:
    page = await administrator.get(RULES)
    sent = page.form(f"{RULES}/verification")
    assert (sent["weekdays"], sent["booking_rule"], sent["booking_n"]) == (["monday", "friday"], ["days_before"], ["1"])
    assert (sent["booking_time"], sent["band0_places"]) == (["09:00"], ["40"])
    page = await administrator.submit(page, f"{RULES}/verification", booking_n="x", band0_to="")
    assert page.errors == ["Indiquez un nombre entier."] * 2
    gateway.say("PUT", RULES_API, (200, CHANGES | {"rules": SAID}))
    again = {"booking_n": "2", "band0_to": "5", "band1_from": "6", "band1_to": "11", "band1_places": "60"}
    week = {"cancellation_rule": "weekday_before", "cancellation_weeks": "1", "cancellation_time": "12:00"}
    page = await administrator.submit(
        page, f"{RULES}/verification", **again, **week, cancellation_weekday="thursday", band1_site="s"
    )
    assert page.heading == "Vérifiez les nouvelles règles"
    await administrator.submit(page, RULES)
    preview, stored = gateway.heard("PUT", RULES_API)
    assert (preview.query, stored.query, preview.headers["If-Match"]) == ({"preview": "true"}, {}, '"7"')
    assert preview.body == stored.body
    assert stored.body == {
        "weekdays": ["monday", "friday"],
        "booking_deadline": {"rule": "days_before", "n": 2, "time": "09:00", "working_days": True},
        "cancellation_deadline": {"rule": "weekday_before", "weeks": 1, "time": "12:00", "weekday": "thursday"},
        "bands": [
            {"ages": [3, 5], "places": 40, "site_id": None},
            {"ages": [6, 11], "places": 60, "site_id": "s"},
        ],
    }


async def test_fewer_places_than_are_taken_are_refused(administrator: Browser, gateway: Gateway) -> None:
    gateway.refuse("PUT", RULES_API, 409, "Des places sont déjà prises.")
    page = await administrator.submit(await administrator.get(RULES), f"{RULES}/verification")
    assert page.errors == ["Des places sont déjà prises."]
    gateway.say("PUT", RULES_API, (412, STALE))
    page = await administrator.submit(page, f"{RULES}/verification")
    assert "entre-temps" in page.errors[0]


async def test_an_activity_is_changed_by_who_has_seen_it(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get("/agent/catalogue?kind=restauration")
    assert gateway.heard("GET", ACTIVITIES_API)[0].query["kind"] == "restauration"
    assert page.links()["Restauration"] == ACTIVITY
    page = await administrator.get(ACTIVITY)
    assert page.form(f"{ACTIVITY}/verification")["window0_opens"] == ["2026-06-01T08:00"]
    check = f"{ACTIVITY}/verification"
    page = await administrator.submit(page, check, youngest="", window0_closes="x")
    assert len(page.errors) == 2
    api = f"{ACTIVITIES_API}/a"
    closed = ENTRY | {"status": "closed", "touched": touched(words=UNFIT)}
    gateway.say("PATCH", api, (422, {"errors": [{"pointer": "/name", "detail": "Trop court."}]}), (200, closed))
    page = await administrator.submit(page, check, youngest="3", window0_closes="2026-09-30T23:59", etat="closed")
    assert page.errors == ["Trop court."]
    page = await administrator.submit(page, check, etat="closed")
    assert "fermée (avant : ouverte)" in plain(page).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "1 inscription ne serait plus acceptée. L'activité est fermée." in plain(page)
    gateway.say("PATCH", api, (412, STALE), (200, ENTRY))
    refused = await administrator.submit(page, ACTIVITY)
    assert (refused.errors, refused.form(check)["name"]) == ([STALE_PAGE], ["Restauration"])
    page = await administrator.submit(page, ACTIVITY)
    assert page.path == f"{ACTIVITY}?enregistre"
    _, preview, *_, said = gateway.heard("PATCH", api)
    assert (preview.query, said.query, preview.body == said.body) == ({"preview": "true"}, {}, True)
    assert said.headers["If-Match"] == '"7"'
    assert said.body == {
        "name": "Restauration",
        "status": "closed",
        "ages": [3, 11],
        "levels": ["nursery"],
        "sector": ["s"],
        "enrolment_windows": [
            {
                "school_year": "2026-2027",
                "opens_at": "2026-06-01T06:00:00+00:00",
                "closes_at": "2026-09-30T21:59:00+00:00",
            }
        ],
    }


async def test_activities_and_sites_are_added(administrator: Browser, gateway: Gateway) -> None:
    gateway.say("POST", ACTIVITIES_API, (409, {"detail": "Ce code est pris."}), (201, ENTRY))
    new = "/agent/catalogue/activites/nouvelle"
    asked = {"kind": "periscolaire", "payment": "monthly", "charging": "flat", "regie": "enfance"}
    page = await administrator.submit(await administrator.get(new), new, code="judo", name="Judo", etat="open", **asked)
    assert page.errors == ["Ce code est pris."]
    assert chosen(page, "charging") == ["flat"]
    page = await administrator.submit(page, new, etat="open", **asked)
    assert page.path == f"{ACTIVITY}?enregistre"
    assert gateway.heard("POST", ACTIVITIES_API)[1].body == asked | {
        "code": "judo",
        "name": "Judo",
        "status": "open",
        "site_id": None,
        "ages": None,
        "levels": [],
        "sector": [],
        "enrolment_windows": [],
    }
    gateway.say("POST", "/enrolment/v1/sites", (201, SITE))
    gateway.say("PATCH", "/enrolment/v1/sites/s", (200, SITE))
    new = "/agent/catalogue/sites/nouveau"
    await administrator.submit(await administrator.get(new), new, code="a", kind="centre", name="A")
    assert gateway.heard("POST", "/enrolment/v1/sites")[0].body == {"code": "a", "kind": "centre", "name": "A"}
    one = "/agent/catalogue/sites/s"
    await administrator.submit(await administrator.get(one), one, name="École Jaurès")
    [renamed] = gateway.heard("PATCH", "/enrolment/v1/sites/s")
    assert (renamed.body, renamed.headers["If-Match"]) == ({"name": "École Jaurès"}, '"7"')


async def test_a_week_has_more_places_with_a_reason(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get(f"{ACTIVITY}/semaines?from=2026-12-01")
    assert gateway.heard("GET", f"{ACTIVITIES_API}/a/holiday-weeks")[0].query["from"] == "2026-12-01"
    assert page.links()["Noël"] == WEEK
    page = await administrator.get(WEEK)
    assert "de 20 à 24. Une animatrice." in plain(page)
    errors = [{"pointer": "/reason", "detail": "Dites pourquoi."}]
    more = EDITION | {"places": 30, "touched": touched()}
    gateway.say("PATCH", f"{WEEKS_API}/w", (422, {"errors": errors}), (200, more), (200, EDITION))
    page = await administrator.submit(page, f"{WEEK}/verification", places="30")
    assert page.errors == ["Dites pourquoi."]
    page = await administrator.submit(page, f"{WEEK}/verification", reason="Une salle de plus")
    assert "30 (avant : 24)" in plain(page)
    page = await administrator.submit(page, WEEK)
    assert page.path == f"{WEEK}?enregistre"
    _, preview, said = gateway.heard("PATCH", f"{WEEKS_API}/w")
    assert (preview.query, said.query, preview.body == said.body) == ({"preview": "true"}, {}, True)
    assert (said.headers["If-Match"], said.body["places"], said.body["reason"]) == ('"4"', 30, "Une salle de plus")
    assert "dates" not in said.body, "the days of a booked week are not to be said again"


async def test_a_week_is_opened_for_its_working_days(administrator: Browser, gateway: Gateway) -> None:
    gateway.say("POST", WEEKS_API, (201, EDITION))
    new = f"{ACTIVITY}/semaines/nouvelle"
    page = await administrator.get(new)
    refused = await administrator.submit(page, new)
    assert refused.status == 422
    said = {"name": "Noël", "group": "6-11 ans", "youngest": "6", "oldest": "11", "places": "24"}
    dates = {"dates": "2026-12-21", "last": "2026-12-27"}
    closes = {"booking_closes_at": "2026-11-30T23:59", "cancellation_closes_at": "2026-12-06T23:59"}
    await administrator.submit(page, new, **said, **dates, **closes)
    [body] = [call.body for call in gateway.heard("POST", WEEKS_API)]
    assert body["dates"] == ["2026-12-21", "2026-12-22", "2026-12-23", "2026-12-24"]
    assert (body["activity_id"], body["ages"], body["hold_minutes"]) == ("a", [6, 11], 20)
    assert (body["booking_closes_at"], body["booking_opens_at"]) == ("2026-11-30T22:59:00+00:00", None)


async def test_an_account_of_the_staff_is_opened_changed_and_closed(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get(STAFF)
    assert page.links()["Luc Petit"] == f"{STAFF}/l"
    new = f"{STAFF}/nouveau"
    errors = [{"pointer": "/regies", "detail": "Seuls un régisseur ou un agent encaissent."}]
    gateway.say("POST", STAFF_API, (422, {"errors": errors}), (201, LUC))
    who = {"first_name": "Luc", "last_name": "Petit", "email": "luc@example.org", "username": "luc.petit"}
    page = await administrator.submit(await administrator.get(new), new, **who, role="administrator", regies="enfance")
    assert page.errors == ["Seuls un régisseur ou un agent encaissent."]
    page = await administrator.submit(page, new, role="agent")
    assert page.path == f"{STAFF}/l?ouvert"
    assert gateway.heard("POST", STAFF_API)[1].body == who | {"role": "agent", "regies": ["enfance"], "site_ids": []}
    gateway.say("PATCH", f"{STAFF_API}/l", (200, LUC))
    page = await administrator.submit(page, f"{STAFF}/l", role="cashier", regies=[])
    gateway.say("POST", f"{STAFF_API}/l/invitation", (202, None))
    page = await administrator.submit(page, f"{STAFF}/l/invitation")
    assert "Un nouveau lien est envoyé" in page.text
    await administrator.submit(page, f"{STAFF}/l/fermeture")
    changed, closed = gateway.heard("PATCH", f"{STAFF_API}/l")
    assert (changed.body["role"], changed.body["regies"], changed.headers["If-Match"]) == ("cashier", [], '"2"')
    assert (closed.body, closed.headers["If-Match"]) == ({"status": "closed"}, '"2"')


async def test_the_last_administrator_and_what_others_changed_are_refused(
    administrator: Browser, gateway: Gateway
) -> None:
    page = await administrator.get(f"{STAFF}/l")
    gateway.refuse("PATCH", f"{STAFF_API}/l", 409, "La commune n'aurait plus d'administrateur.")
    page = await administrator.submit(page, f"{STAFF}/l/fermeture")
    assert page.errors == ["La commune n'aurait plus d'administrateur."]
    gateway.say("PATCH", f"{STAFF_API}/l", (412, STALE))
    page = await administrator.submit(page, f"{STAFF}/l", first_name="Lucien", role="agent")
    assert "entre-temps" in page.errors[0]
    assert page.form(f"{STAFF}/l")["first_name"] == ["Luc"]


async def test_a_programs_secret_is_told_once(administrator: Browser, gateway: Gateway) -> None:
    told = {"id": "p", "name": "cuisine", "scope": "meals:read", "secret": "the-secret"}
    gateway.say("POST", PROGRAMS_API, (409, {"detail": "Ce nom est pris."}), (201, told))
    new = f"{PROGRAMS}/nouveau"
    page = await administrator.submit(await administrator.get(new), new, name="cuisine", scope="meals:read")
    assert page.errors == ["Ce nom est pris."]
    page = await administrator.submit(page, new)
    assert "the-secret" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "the-secret" not in (await administrator.get(PROGRAMS)).source
    one = f"{PROGRAMS}/p"
    gateway.say("POST", f"{PROGRAMS_API}/p/secrets", (201, told))
    page = await administrator.submit(await administrator.get(one), f"{one}/secrets", former_valid_h="0")
    assert "the-secret" in page.text
    assert gateway.heard("POST", f"{PROGRAMS_API}/p/secrets")[0].body == {"former_valid_h": 0}
    gateway.say("DELETE", f"{PROGRAMS_API}/p", (204, None))
    assert (await administrator.submit(await administrator.get(one), f"{one}/retrait")).path == PROGRAMS


async def test_who_did_what_at_the_desk_is_listed_between_two_days(administrator: Browser, gateway: Gateway) -> None:
    gateway.say("GET", LOG_API, (200, listed(ACT, ACT | {"act": "POST /else", "name": None, "reason": None})))
    page = await administrator.get(LOG)
    assert page.path == f"{LOG}/identity"
    page = await administrator.get(f"{LOG}/planning?since=2026-11-20&until=2026-11-21")
    assert gateway.heard("GET", LOG_API)[-1].query == {
        "limit": "50",
        "since": "2026-11-19T23:00:00+00:00",
        "until": "2026-11-21T23:00:00+00:00",
    }
    assert "PlanningOubli signalé" in page.text
    assert "Luc Petit (agent du guichet)" in page.text
    assert "POST /else" in page.text
    link = page.links()["Exporter la liste (CSV)"]
    assert link == f"{LOG}/planning.csv?since=2026-11-20&until=2026-11-21"
    assert (await administrator.get(f"{LOG}/nonsense")).status == 404
    gateway.refuse("GET", LOG_API, 422, errors=[{"pointer": "/query/since", "detail": "Une date est attendue."}])
    assert (await administrator.get(f"{LOG}/planning?since=x")).errors == ["Une date est attendue."]


async def test_what_was_done_is_found_by_dossier_and_by_agent(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get(f"{LOG}/planning?dossier_id=100042&account_id=l")
    asked, ids = gateway.heard("GET", "/dossier/v1/dossiers")
    assert (asked.query["q"], ids.query) == ("100042", {"ids": "d"})
    assert gateway.heard("GET", LOG_API)[-1].query == {"dossier_id": "d", "account_id": "l", "limit": "50"}
    assert page.links()["100042, Moreau"] == f"{LOG}/planning?dossier_id=100042"
    assert chosen(page, "account_id") == ["l"]
    page = await administrator.get(f"{LOG}/planning?dossier_id=1000")
    assert page.errors == ["Aucun dossier n'a ce numéro."]
    assert gateway.heard("GET", LOG_API)[-1].query["dossier_id"] == "00000000-0000-0000-0000-000000000000"
    for path in ("/dossier/v1/dossiers", STAFF_API):
        gateway.refuse("GET", path, 503)
    page = await administrator.get(f"{LOG}/planning")
    assert (page.status, "inconnu" in page.text) == (200, True)


async def test_a_tablet_is_enrolled_and_its_token_told_once(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.submit(await administrator.get(TABLETS), TABLETS)
    assert page.errors == ["Choisissez son site.", "Donnez-lui un nom."]
    gateway.say("POST", TABLETS_API, (201, TABLET | {"device_token": "the-token"}))
    page = await administrator.submit(page, TABLETS, name="Tablette de la cour", site_id="s")
    assert "the-token" in page.text
    assert gateway.heard("POST", TABLETS_API)[0].body == {"name": "Tablette de la cour", "site_id": "s"}
    assert "the-token" not in (await administrator.get(TABLETS)).source
    link = (await administrator.get(TABLETS)).links()["Exporter la liste (CSV)"]
    assert "Tablette de la cour;École" in await administrator.file(link)
    gateway.say("DELETE", f"{TABLETS_API}/t", (204, None), (404, {}))
    for _ in range(2):
        page = await administrator.submit(page, f"{TABLETS}/t/retrait")
        assert "n'ouvre plus rien" in page.text


async def test_these_pages_are_an_administrators(agent: Browser, gateway: Gateway) -> None:
    for path in (CALENDAR, RULES, "/agent/catalogue", ACTIVITY, WEEK, STAFF, PROGRAMS, TABLETS, f"{STAFF}.csv"):
        assert (await agent.get(path)).status == 403, path
    for path in (CALENDAR, RULES, ACTIVITY, WEEK):
        for form in (path, f"{path}/verification", f"{path}/verification.csv"):
            assert (await agent.post(form, {})).status == 403, form
    assert not gateway.calls


async def test_the_administrators_pages_in_a_browser(window: Screen, gateway: Gateway) -> None:
    nobody = {"said": [], "touches": [], "children": {"items": [], "next_cursor": None}}
    waits = touched("Tom", None, OFFERED, *EDITION["dates"])
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "administrator", "first_name": "Ada"}))
    gateway.say("PUT", CALENDAR_API, (200, CHANGES))
    gateway.say("PUT", RULES_API, (200, CHANGES | {"rules": SAID, "touched": nobody}))
    await window.sign_in("ada", "Guichet!2026")
    for path, picture in (
        ("/agent/catalogue", "agent-catalogue"),
        (ACTIVITY, "agent-activite"),
        (f"{ACTIVITY}/semaines", ""),
        (WEEK, "agent-semaine"),
        ("/agent/catalogue/sites/s", ""),
        (STAFF, "agent-comptes"),
        (f"{STAFF}/l", "agent-compte"),
        (f"{STAFF}/nouveau", ""),
        (PROGRAMS, ""),
        (TABLETS, "agent-tablettes"),
        (f"{PROGRAMS}/p", "agent-programme"),
        (f"{LOG}/planning", "agent-journal"),
    ):
        await window.open(path)
        await window.look(picture)
    gateway.say(
        "PATCH", f"{ACTIVITIES_API}/a", (200, ENTRY | {"status": "closed", "touched": touched("Léa", NEXT, UNFIT)})
    )
    gateway.say("PATCH", f"{WEEKS_API}/w", (200, EDITION | {"places": 30, "touched": waits}))
    for path, picture in ((ACTIVITY, "agent-activite-verification"), (WEEK, "agent-semaine-verification")):
        await window.open(path)
        await window.press("Vérifier")
        await window.look(picture)
    await window.open(CALENDAR)
    await window.look("agent-calendrier")
    await window.tick("vendredi 7 mai 2027 : Pont de l'Ascension".replace(" :", "\xa0:"))
    await window.press("Voir ce que cela change")
    await window.look("agent-calendrier-verification")
    await window.open(RULES)
    await window.look("agent-regles")
    await window.press("Voir ce que cela change")
    await window.look()
