"""A day at the desk on a whole stack: in by the second factor, a family found, booked and enrolled for."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from secrets import token_hex

import aiohttp
import pytest
from french.paris import PARIS
from identity.second_factor import STEP_S, totp

from deploy.local.portal import Portal, RefusedError, until
from deploy.local.stack import Stack
from tests.actors import PASSWORD, STAFF_PASSWORD, TOTP_SECRET, Clock, Family
from tests.browsers import Browser, Page


@asynccontextmanager
async def signed_in(stack: Stack, clock: Clock, login: str) -> AsyncIterator[Browser]:
    """A browser of somebody of the staff: a code is good once, so the clock moves to the next."""
    clock.advance(seconds=31)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        browser = Browser(client, stack.web)
        page = await browser.get("/connexion")
        page = await browser.submit(page, "/connexion", login=login, password=STAFF_PASSWORD)
        code = totp(TOTP_SECRET, int(clock.now().timestamp()) // STEP_S)
        page = await browser.submit(page, "/connexion/code", otp=code)
        assert page.path == "/agent", page.text
        yield browser


@pytest.fixture
async def desk(stack: Stack, moving_clock: Clock) -> AsyncIterator[Browser]:
    async with signed_in(stack, moving_clock, "agent") as browser:
        yield browser


def boxes(page: Page, name: str) -> list[str]:
    return [one.get("value", "") for one in page.all("input") if one.get("name") == name]


async def test_an_agent_finds_a_family_and_acts_for_it(desk: Browser, family: Family, moving_clock: Clock) -> None:
    found = await desk.get(f"/agent/dossiers?q={family.guardian.number}")
    theirs = found.links()[family.guardian.number]
    whole = await desk.get(theirs)
    assert f"Dossier {family.guardian.number}" in whole.text
    assert "Ouvert" in whole.text, "whose account is open is said"
    assert whole.text.count("ne répond pas pour le moment") == 0

    weeks = f"{theirs}/famille/inscriptions/vacances"
    page = await desk.get(weeks)
    child_id, week_id = await family.line(week=-1)
    box = f"{child_id}:{week_id}"
    assert box in boxes(page, "ligne")
    pay_by = (moving_clock.now().astimezone(PARIS) + timedelta(days=2)).date()
    page = await desk.submit(page, weeks, ligne=[box], pay_by=str(pay_by))
    assert page.heading == "Récapitulatif", page.text
    page = await desk.submit(page, f"{page.path.partition('?')[0]}/paiement")
    booking = page.path.rpartition("/")[2]

    async def billed() -> bool | None:
        return "Voir la facture" in (await desk.get(page.path)).links() or None

    await until(billed, "the invoice is there")
    [booked] = [one for one in (await family.portal.get("/enrolment/v1/bookings"))["items"] if one["id"] == booking]
    assert booked["pay_by"].startswith(str(pay_by))
    assert "À payer" in (await desk.get(theirs)).text

    enrol = f"{theirs}/famille/inscriptions/activites/restauration"
    page = await desk.get(enrol)
    form = next(one for one in page.all("form") if one.get("action") == enrol)
    asked = {"enfant": [child_id], "motif": "Arrivée en cours d'année"}
    page = await desk.post(enrol, page.form_of(form) | asked)
    assert page.path == f"{theirs}/famille/inscriptions?inscrit", page.text
    [enrolment] = (await family.portal.get(f"/enrolment/v1/enrolments?child_id={child_id}"))["items"]
    assert enrolment["override_reason"] == "Arrivée en cours d'année"
    assert "Restauration" in (await desk.get(theirs)).text


async def test_a_family_is_split_and_each_parent_reads_the_days_of_theirs(
    desk: Browser, agent: Portal, family: Family, stack: Stack, moving_clock: Clock
) -> None:
    mother, child_id = family.guardian, family.guardian.children[0]
    father = {"first_name": "Zéphyrin", "last_name": "Partant", "email": f"partant-{mother.number}@example.org"}
    adult = father | {"roles": ["legal_guardian"]}
    added = await agent.post(f"/dossier/v1/dossiers/{mother.dossier_id}/adults", adult)
    father_id = next(one["id"] for one in added["adults"] if one["email"] == father["email"])
    stays = next(one["id"] for one in added["adults"] if one["id"] != father_id)
    async with Portal(stack) as elsewhere:

        async def claimed() -> str | None:
            try:
                return await elsewhere.claim(mother.number, father["last_name"], father["email"])
            except RefusedError:
                return None  # identity has not heard of him yet

        login = f"parent-{mother.number}"
        await elsewhere.register(await until(claimed, "a claim"), login, PASSWORD, **father)
        await elsewhere.activate(await elsewhere.activation_token(father["email"]), PASSWORD)

    async def known() -> bool | None:
        """The dossier has heard of both accounts: no version is to change while the agent reads."""
        adults = (await agent.get(f"/dossier/v1/dossiers/{mother.dossier_id}"))["adults"]
        return {mother.email, father["email"]} <= {one["email"] for one in adults if one["has_account"]} or None

    await until(known, "both accounts in the dossier")
    here = f"/agent/dossiers/{mother.dossier_id}"
    assert (await desk.get(here)).links()["Séparer la famille"] == f"{here}/separation"
    page = await desk.get(f"{here}/separation")
    asked = {"adults": [father_id], f"enfant-{child_id}": "deux", "faire": "verifier"}
    page = await desk.submit(page, f"{here}/separation", **asked)
    assert "Enfants des deux dossiers" in page.text, page.text
    assert "le nouveau dossier" not in (await desk.get(here)).links()
    page = await desk.submit(page, f"{here}/separation", faire="confirmer")
    there = page.links()["le nouveau dossier"]
    assert there != here

    calendar = f"{here}/enfants/{child_id}/garde"
    page = await desk.get(calendar)
    assert there in page.links().values(), "whose the other dossier is"
    week = {"rythme-0-from": "2026-09-07", "rythme-0-every": "fortnight", "rythme-0-first": list("0123456")}
    page = await desk.submit(page, calendar, faire="verifier", **week)
    assert "Ce que cela change" in page.text, page.text
    page = await desk.submit(page, calendar, faire="confirmer")
    assert page.path == f"{here}?enregistre", page.text

    later = str((moving_clock.now() + timedelta(days=30)).date())
    number = (await agent.get(f"/dossier/v1/dossiers/{there.rpartition('/')[2]}"))["number"]
    for path, asked in (
        (f"{here}/enfants/{mother.children[1]}/autre-dossier", {"numero": number, "devient": "part"}),
        (f"{here}/reunion", {"numero": number, "reason": "Ils se retrouvent"}),
        (f"{here}/payeur", {"adult_id": stays}),
        (f"{here}/enfants/{child_id}/retrait", {}),
    ):
        page = await desk.submit(await desk.get(path), path, faire="verifier", **asked, **{"from": later})
        assert "Ce que cela change" in page.text, page.text
    page = await desk.submit(page, path, faire="confirmer")
    assert page.path == f"{here}/changements-prevus?prevu", page.text
    [change] = [one for one in page.links().values() if one.startswith(f"{here}/changements-prevus/")]
    page = await desk.submit(await desk.get(change), change)
    assert change not in page.links().values()

    async def reads(username: str) -> str:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            browser = Browser(client, stack.web)
            page = await browser.get("/connexion")
            await browser.submit(page, "/connexion", login=username, password=PASSWORD)
            return (await browser.get("/dossier")).text

    first, second = "toute la semaine une semaine, aucun jour", "aucun jour une semaine, toute la semaine"
    said = await reads(mother.username)
    assert first in said
    assert second not in said

    async def moved() -> str | None:
        """His account follows into the new dossier in a moment."""
        return said if second in (said := await reads(login)) else None

    assert first not in await until(moved, "the other parent's days")


async def test_an_agent_creates_a_dossier_and_keeps_its_household_which_an_administrator_erases(
    desk: Browser, stack: Stack, moving_clock: Clock
) -> None:
    new = "/agent/dossiers/nouveau"
    page = await desk.submit(await desk.get(new), new, **{"enfant-0-first_name": "Léa"})
    missing = [one.get("id") for one in page.all("input") if one.get("aria-invalid")]
    assert missing == ["street", "postcode", "city", "adulte-0-first_name", "enfant-0-last_name", "enfant-0-birth_date"]
    name, paul = token_hex(6), {"adulte-1-first_name": "Paul", "adulte-1-last_name": "Diallo"}
    written = {
        "street": f"{name} rue Neuve",
        "postcode": "94990",
        "city": "Villeneuve-sur-Bièvre",
        "adulte-0-first_name": "Anne",
        "adulte-0-last_name": "O'Neill",
        **paul,
        "adulte-1-roles": "contact",
        "enfant-0-last_name": "O'Neill",
        "enfant-0-birth_date": "2020-02-29",
    }
    page = await desk.submit(page, new, **written)
    assert page.heading == "Famille O'Neill", page.text
    family = page.path.partition("?")[0]
    again = await desk.submit(await desk.get(new), new, **written, **{"enfant-0-first_name": "Léa"})
    assert "complétez-le" in again.errors[0], "it is made once"

    links = page.links()
    adults = [path for path in links.values() if re.fullmatch(f"{family}/adultes/[0-9a-f-]{{36}}", path)]
    anne, his = adults
    page = await desk.submit(await desk.get(his), his, roles=["legal_guardian"])
    assert page.heading == "Famille O'Neill – Diallo", page.text
    page = await desk.submit(await desk.get(f"{anne}/retrait"), f"{anne}/retrait")
    assert "payeur" in page.errors[0]
    overtaken = await desk.get(his)

    [school] = [path for path in links.values() if path.endswith("/scolarite")]
    page = await desk.get(school)
    year = page.form(school)["annee"][0]
    chosen = {f"school_id-{year}": page.options(f"school_id-{year}")[1], f"class_name-{year}": "CP"}
    page = await desk.submit(page, school, **chosen)
    assert [f"#level-{year}"] == [path for said, path in page.links().items() if said in page.errors]
    page = await desk.submit(page, school, **chosen, **{f"level-{year}": "elementary"})
    assert "élémentaire, CP" in page.text
    criteria = f"{family}/criteres"
    page = await desk.submit(await desk.get(criteria), criteria, priorities="handicap", faire="verifier")
    page = await desk.submit(page, criteria, faire="confirmer")
    assert "Situation de handicap" in page.text

    page = await desk.submit(overtaken, his, roles=[])
    assert "entre-temps" in page.errors[0]
    page = await desk.submit(await desk.get(f"{his}/retrait"), f"{his}/retrait")
    assert page.heading == "Famille O'Neill", page.text
    assert "Paul Diallo" not in page.text

    erasures, number = "/agent/effacements", page.text.partition("Dossier ")[2].split()[0]
    async with signed_in(stack, moving_clock, "admin") as admin:
        asked = {"numero": number, "reason": "Demande de la famille", "faire": "verifier"}
        page = await admin.submit(await admin.get(erasures), erasures, **asked)
        assert page.heading == "Effacer une famille : vérifiez", page.text
        assert "Enfants effacés : Léa O'Neill." in page.text.replace("\xa0", " "), page.text
        assert (await desk.get(family)).status == 200
        page = await admin.submit(page, erasures, faire="confirmer")
        assert page.path == f"{erasures}?efface", page.text
    assert (await desk.get(family)).status == 404


async def test_an_administrator_sees_what_an_edit_would_change_and_stores_what_is_the_same(
    stack: Stack, moving_clock: Clock
) -> None:
    """Nothing is changed: other tests have the same town."""
    async with signed_in(stack, moving_clock, "admin") as admin:
        home = await admin.get("/agent")
        assert "indisponible" not in home.text, home.text
        for name in ("a-suivre", "catalogue", "calendrier", "comptes", "programmes", "messages-en-echec", "journal"):
            page = await admin.get(f"/agent/{name}")
            assert page.status == 200, (name, page.text)

        calendar = await admin.get("/agent/calendrier")
        monday = next(day for n in range(20, 27) if (day := moving_clock.now().date() + timedelta(n)).weekday() == 0)
        asked = {"du": str(monday), "nom": "Journée pédagogique"}
        page = await admin.submit(calendar, "/agent/calendrier/verification", **asked)
        assert page.heading == "Vérifiez ce que cela change", page.text
        assert (await admin.get("/agent/calendrier")).text == calendar.text

        activities = (await admin.get("/agent/catalogue?kind=restauration")).links()
        [activity, *_] = [path for path in activities.values() if path.startswith("/agent/catalogue/activites/0")]
        page = await admin.submit(await admin.get(activity), f"{activity}/verification", etat="open")
        page = await admin.submit(page, activity)
        assert page.path == f"{activity}?enregistre", page.text
        rules = await admin.get(f"{activity}/regles")
        page = await admin.submit(rules, f"{activity}/regles/verification", booking_rule="none")
        assert page.heading == "Vérifiez les nouvelles règles", page.text
        assert (await admin.get(f"{activity}/regles")).text == rules.text

        centres = (await admin.get("/agent/catalogue?kind=extrascolaire")).links()
        [centre, *_] = [path for path in centres.values() if path.startswith("/agent/catalogue/activites/0")]
        weeks = (await admin.get(f"{centre}/semaines")).links()
        [week, *_] = [path for path in weeks.values() if path.startswith("/agent/catalogue/semaines/")]
        page = await admin.submit(await admin.get(week), f"{week}/verification")
        page = await admin.submit(page, week)
        assert page.path == f"{week}?enregistre", page.text


async def test_a_guardian_agrees_and_their_quotient_is_asked_for_alone_and_with_everybodys(
    desk: Browser, family: Family, stack: Stack, moving_clock: Clock
) -> None:
    own, consent = Browser(desk.client, stack.web), "/dossier/quotient"
    page = await own.get("/connexion")
    await own.submit(page, "/connexion", login=family.guardian.username, password=PASSWORD)
    civil = {"first_names": "Jeanne", "sex": "F", "birth_date": "1987-06-27", "birthplace": "08480"}
    page = await own.submit(await own.get(consent), consent, birth_name="Roux", **civil)
    assert page.path == f"{consent}?accord", page.text

    here = f"/agent/dossiers/{family.dossier_id}/quotient"
    page = await desk.submit(await desk.get(here), f"{here}/demande")
    assert "Un quotient est trouvé et enregistré" in page.text
    assert "Quotient de 150 €" in page.text
    this_month = moving_clock.now().astimezone(PARIS).date().replace(day=1)
    backdated = {"value": "320", "source": "municipal", "counts_from": str(this_month)}
    page = await desk.submit(page, here, **backdated)
    assert len(page.errors) == 1, page.text
    page = await desk.submit(page, here, **backdated, reason="Revenus vus au guichet")
    assert page.path == f"{here}?enregistre", page.text
    assert "Revenus vus au guichet" in (await own.get(consent)).text

    async with signed_in(stack, moving_clock, "admin") as administrator:
        all_of_them = await administrator.get("/agent/quotients")
        path = (await administrator.submit(all_of_them, "/agent/quotients")).path

        async def done() -> bool | None:
            return "Terminée" in (await administrator.get(path)).text or None

        await until(done, "everybody is asked for")
        log = await administrator.get(f"/agent/journal/dossier?dossier_id={family.guardian.number}")
        assert "Quotient demandé à API Particulier" in log.text
        assert "Revenus vus au guichet" in log.text

    page = await own.submit(await own.get(consent), f"{consent}/retrait")
    assert f"{consent}/retrait" not in [one.get("action") for one in page.all("form")]
