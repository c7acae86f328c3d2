"""A town's description: whatever is wrong in it is said in a clear sentence with its place, and nothing is loaded."""

import asyncio
import copy
import json
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from chassis import command, towns
from chassis.testing import create_database, drop_database, migrate
from dossier.families import families

from deploy.local.__main__ import sign_ins
from deploy.local.checks import SCHEMA
from deploy.local.prepare import of_families, services
from deploy.local.stack import TOWN

Document = dict[str, Any]
Change = Callable[[Document], None]


@pytest.fixture
def town() -> Document:
    return copy.deepcopy(towns.read(TOWN))


def faults(town: Document) -> tuple[str, ...]:
    with pytest.raises(towns.TownError) as refused:
        towns.validated(town)
    return refused.value.faults


def put(path: str, value: Any) -> Change:
    """Set what stands at `path`, as in "activities.3.regie"."""

    def change(town: Document) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = town
        for step in way:
            place = place[step]
        place[last] = value

    return change


def drop(path: str) -> Change:
    def change(town: Document) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = town
        for step in way:
            place = place[step]
        del place[last]

    return change


def again(section: str, number: int = 0) -> Change:
    """The same entry a second time."""
    return lambda town: town[section].append(town[section][number])


def test_the_demo_town_is_valid(town: Document) -> None:
    assert set(towns.validated(town)) == {"identity", "dossier", "enrolment", "planning", "billing", "web"}


def test_the_schema_for_editors_says_what_the_services_read() -> None:
    assert json.loads(SCHEMA.read_text()) == towns.schema(), "run `python -m deploy.local schema`"
    assert SCHEMA.name in TOWN.read_text().splitlines()[0]


BROKEN: list[tuple[Change, str]] = [
    # what is missing
    (drop("town"), "town : Ce champ est obligatoire."),
    (drop("town.school_zone"), "town.school_zone : Ce champ est obligatoire."),
    (drop("activities.3.regie"), "activities[3].regie (« cantine ») : Ce champ est obligatoire."),
    (drop("legal.privacy"), "legal.privacy : Ce champ est obligatoire."),
    (drop("families.0.number"), "families[0].number : Ce champ est obligatoire."),
    (drop("holiday_weeks.booking_closes.time"), "holiday_weeks.booking_closes.time : Ce champ est obligatoire."),
    (drop("waiting_list"), "waiting_list : Ce champ est obligatoire."),
    (
        drop("waiting_list.criteria.0.points"),
        "waiting_list.criteria[0].points (« handicap ») : Ce champ est obligatoire.",
    ),
    # what nobody knows
    (put("tarifs", []), "tarifs : Ce champ n'est pas connu."),
    (put("town.post_code", "94990"), "town.post_code : Ce champ n'est pas connu."),
    (put("centres.1.groups.0.place", 3), "centres[1].groups[0].place (« 3-5 ans ») : Ce champ n'est pas connu."),
    (put("tariffs.0.food.rate", "1"), "tariffs[0].food.rate : Ce champ n'est pas accepté."),
    (put("families.1.adults.0.mail", "a@b.fr"), "families[1].adults[0].mail (« 100002 ») : Ce champ n'est pas connu."),
    # what refers to nothing
    (
        put("activities.4.centre", "le-lac"),
        "activities[4].centre (« vacances-la-bievre ») : « le-lac » n'existe pas dans centres.",
    ),
    (put("activities.3.regie", "sport"), "activities[3].regie (« cantine ») : « sport » n'existe pas dans regies."),
    (put("tariffs.1.activities.0", "judo"), "tariffs[1].activities[0] : « judo » n'existe pas dans activities."),
    (
        put("families.0.children.1.school", "x"),
        "families[0].children[1].school (« 100001 ») : « x » n'existe pas dans schools.",
    ),
    (
        put("families.0.children.0.enrolments.0.activity", "judo"),
        "families[0].children[0].enrolments[0].activity (« 100001 ») : « judo » n'existe pas dans activities.",
    ),
    (
        put("families.0.children.0.enrolments.0.days", []),
        "families[0].children[0].enrolments[0].days (« 100001 ») : Il en faut au moins 1.",
    ),
    (
        put("families.0.children.0.enrolments.1.activity", "cantine"),
        "families[0].children[0].enrolments (« 100001 ») : La même valeur est donnée deux fois.",
    ),
    (
        put("families.0.children.0.enrolments.1.activity", "vacances-la-bievre"),
        "« vacances-la-bievre » se réserve à la semaine : Léa (100001) ne peut pas y être inscrit à l'année.",
    ),
    (
        put("accounts.5.sites", ["zoo"]),
        "accounts[5].sites[0] (« animateur ») : « zoo » n'existe pas dans schools ni centres.",
    ),
    (put("accounts.3.regies", ["voirie"]), "accounts[3].regies[0] (« regie ») : « voirie » n'existe pas dans regies."),
    (put("accounts.0.dossier", "9"), "accounts[0].dossier (« martin ») : « 9 » n'existe pas dans families."),
    # what is there twice
    (again("activities"), "activities[0].code (« accueil-matin ») : « accueil-matin » est donné plus d'une fois."),
    (put("schools.0.code", "la-bievre"), "schools[0].code (« la-bievre ») : « la-bievre » est donné plus d'une fois."),
    (again("regies"), "regies[1].code (« enfance ») : « enfance » est donné plus d'une fois."),
    (again("families"), "families[3].number (« 100001 ») : « 100001 » est donné plus d'une fois."),
    (put("accounts.1.dossier", "100001"), "accounts[1].dossier (« diallo ») : « 100001 » est donné plus d'une fois."),
    (put("accounts.1.username", "MARTIN"), "accounts : Deux comptes portent le nom d'utilisateur « martin »."),
    (
        put("families.0.children.1.first_name", "Léa"),
        "families[0].children (« 100001 ») : Deux enfants portent le même prénom.",
    ),
    (
        put("centres.0.groups.1.name", "3-5 ans"),
        "centres[0].groups (« la-bievre ») : Deux groupes portent le nom « 3-5 ans ».",
    ),
    (again("tariffs", 1), "tariffs : « cantine » a deux tarifs à partir du 01/01/2026."),
    (
        put("activities.5.centre", "la-bievre"),
        "activities : Le centre « la-bievre » a plusieurs activités extrascolaires.",
    ),
    # deadlines and closed days
    (drop("calendar"), "calendar : Ce champ est obligatoire."),
    (drop("activities.3.cancellation_deadline"), "activities[3] (« cantine ») : Il manque : cancellation_deadline."),
    (
        put("activities.3.booking_deadline.rule", "sometimes"),
        "activities[3].booking_deadline (« cantine ») : Une de ces valeurs est attendue pour 'rule' : "
        "'days_before', 'weekday_before', 'day_of_month_before', 'none'.",
    ),
    (
        drop("activities.3.booking_deadline.rule"),
        "activities[3].booking_deadline (« cantine ») : Ce groupe de champs doit comporter 'rule'.",
    ),
    (
        put("activities.3.booking_deadline.n", "1"),
        "activities[3].booking_deadline.n (« cantine ») : Un nombre entier est attendu.",
    ),
    (
        drop("activities.2.booking_deadline.weekday"),
        "activities[2].booking_deadline.weekday (« mercredi ») : Ce champ est obligatoire.",
    ),
    (
        put("activities.3.booking_deadline.time", "9 h"),
        "activities[3].booking_deadline.time (« cantine ») : Une heure (HH:MM) est attendue, celle de Paris.",
    ),
    (
        put("activities.4.booking_deadline", {"rule": "none"}),
        "activities[4] (« vacances-la-bievre ») : Une activité extrascolaire n'a pas de weekdays, booking_deadline, "
        "cancellation_deadline, bands : voir holiday_weeks.",
    ),
    # places by the day
    (
        put("activities.3.bands.0.ages", [5, 2]),
        "activities[3].bands[0].ages (« cantine ») : L'âge le plus bas vient en premier.",
    ),
    (
        put("activities.3.bands.0.ages", [2, 6]),
        "activities[3].bands (« cantine ») : Deux tranches d'âge se chevauchent : de 2 à 6 ans, de 6 à 12 ans.",
    ),
    (
        put("activities.3.bands.0.places", -1),
        "activities[3].bands[0].places (« cantine ») : La valeur doit être d'au moins 0.",
    ),
    (
        put("activities.0.bands.2.site", "jules-ferry"),
        "activities[0].bands[2].site (« accueil-matin ») : « jules-ferry » n'existe pas dans schools ni centres.",
    ),
    (put("activities.3.bands.0.age", 2), "activities[3].bands[0].age (« cantine ») : Ce champ n'est pas connu."),
    (
        put("activities.4.bands", [{"ages": [3, 5], "places": 1}]),
        "activities[4] (« vacances-la-bievre ») : Une activité extrascolaire n'a pas de weekdays, booking_deadline, "
        "cancellation_deadline, bands : voir holiday_weeks.",
    ),
    (
        put("calendar.closed_days.0.date", "2027-02-29"),
        "calendar.closed_days[0].date (« Pont de l'Ascension ») : Une date (AAAA-MM-JJ) est attendue.",
    ),
    (
        put("calendar.closed_days.1.date", date(2027, 5, 7)),
        "calendar.closed_days : Le 07/05/2027 est donné plus d'une fois.",
    ),
    # what is not of the right kind
    (put("regies", {}), "regies : Une liste est attendue."),
    (put("town", "Villeneuve"), "town : Un groupe de champs est attendu."),
    (put("town.postcode", 94990), "town.postcode : Un texte est attendu."),
    (put("town.postcode", "9499"), "town.postcode : Cinq chiffres sont attendus, entre guillemets."),
    (put("town.school_zone", "D"), "town.school_zone : Une de ces valeurs est attendue : 'A', 'B' ou 'C'."),
    (put("town.name", "  "), "town.name : Un texte non vide est attendu."),
    (put("town.name", "Ville\0neuve"), "town.name : Un texte non vide est attendu."),
    (put("regies.0.numcli", "12345"), "regies[0].numcli (« enfance ») : Six chiffres sont attendus, entre guillemets."),
    (
        put("activities.3.code", "Cantine"),
        "activities[3].code (« Cantine ») : Un code est fait de minuscules sans accent, de chiffres et de tirets.",
    ),
    (put("families.0.quotient", -1), "families[0].quotient (« 100001 ») : La valeur doit être d'au moins 0."),
    (put("families.0.quotient", True), "families[0].quotient (« 100001 ») : Un nombre entier est attendu."),
    (put("families.0.children.0.age", 7.5), "families[0].children[0].age (« 100001 ») : Un nombre entier est attendu."),
    (
        put("document_kinds.1.code", "domicile"),
        "document_kinds[0].code (« domicile ») : « domicile » est donné plus d'une fois.",
    ),
    (
        put("document_kinds.0.about", "adult"),
        "document_kinds[0].about (« domicile ») : Une de ces valeurs est attendue : 'dossier' ou 'child'.",
    ),
    (put("families.0.adults", []), "families[0].adults (« 100001 ») : Il en faut au moins 1."),
    (
        put("families.0.adults.0.email", "sophie"),
        "families[0].adults[0].email (« 100001 ») : Une adresse électronique est attendue.",
    ),
    (put("tariffs.0.from", "2026-01-01"), "tariffs[0].from : Une date (AAAA-MM-JJ) est attendue."),
    (put("tariffs.0.unit", "hour"), "tariffs[0].unit : Une de ces valeurs est attendue : 'day'."),
    (put("tariffs.0.food.rate_percent", "1,30"), "tariffs[0].food.rate_percent : Un nombre est attendu."),
    (put("tariffs.0.food.ceiling_cents", 1), "tariffs[0].food : Le plafond est inférieur au plancher."),
    (
        drop("tariffs.1.food"),
        "tariffs[1] : Un tarif a une part d'accueil (childcare), une part de repas (food), ou les deux.",
    ),
    (
        put("holiday_weeks.booking_closes.time", "23:59"),
        "holiday_weeks.booking_closes.time : Une heure (HH:MM:SS) est attendue.",
    ),
    (
        put("centres.0.groups.0.ages", [5, 3]),
        "centres[0].groups[0].ages (« 3-5 ans ») : L'âge le plus bas vient en premier.",
    ),
    (
        put("centres.0.groups.0.places", -1),
        "centres[0].groups[0].places (« 3-5 ans ») : La valeur doit être d'au moins 0.",
    ),
    (
        drop("activities.4.centre"),
        "activities[4] (« vacances-la-bievre ») : Une activité extrascolaire indique son centre.",
    ),
    (
        put("activities.4.ages", [3, 11]),
        "activities[4] (« vacances-la-bievre ») : Une activité extrascolaire n'a pas de ages, levels, sector, "
        "enrolment_opens, enrolment_closes : voir centres et holiday_weeks.",
    ),
    (put("activities.2.ages", [11, 3]), "activities[2].ages (« mercredi ») : L'âge le plus bas vient en premier."),
    (
        put("activities.2.levels", ["college"]),
        "activities[2].levels[0] (« mercredi ») : Une de ces valeurs est attendue : 'nursery' ou 'elementary'.",
    ),
    (
        put("activities.2.sector", ["la-bievre"]),
        "activities[2].sector[0] (« mercredi ») : « la-bievre » n'existe pas dans schools.",
    ),
    (
        put("activities.8.enrolment_closes", {"days": 275, "time": time(8, 30)}),
        "activities[8] (« natation ») : Les inscriptions ouvrent avant de se clore.",
    ),
    (put("waiting_list.offer_hours", 0), "waiting_list.offer_hours : La valeur doit être d'au moins 1."),
    (
        put("waiting_list.criteria.0.kind", "friend"),
        "waiting_list.criteria[0].kind (« handicap ») : Une de ces valeurs est attendue : "
        "'resident', 'sibling' ou 'certified'.",
    ),
    (
        put("waiting_list.criteria.1.code", "handicap"),
        "waiting_list.criteria : Deux critères portent le code « handicap ».",
    ),
    (
        put("holiday_weeks.booking_opens.days_before", 20),
        "holiday_weeks : Les réservations ouvrent avant de se clore.",
    ),
    (
        drop("holiday_weeks.booking_opens"),
        "holiday_weeks : Il manque booking_opens : les habitants réservent plus tôt que les autres.",
    ),
    (
        put("house_rules.0.from", "2026"),
        "house_rules[0].from : Une année scolaire est attendue, comme « 2026-2027 ».",
    ),
    (
        put("house_rules.0.from", "2026-2028"),
        "house_rules[0].from : Une année scolaire est de deux années qui se suivent.",
    ),
    (again("house_rules"), "house_rules : Deux règlements valent à partir de 2025-2026."),
    (
        put("school_years", [{"name": "2026-2027", "first_day": date(2026, 9, 1), "last_day": date(2026, 7, 2)}]),
        "school_years[0] (« 2026-2027 ») : Une année scolaire commence dans la première de ses deux années et finit "
        "dans l'autre.",
    ),
    (
        put("completeness.documents", ["domicile", "acte"]),
        "completeness.documents : « acte » n'existe pas dans document_kinds.",
    ),
    # accounts that the database would refuse
    (drop("accounts.2.totp_secret"), "accounts[2] (« agent ») : Il manque, pour ce rôle : totp_secret."),
    (drop("accounts.5.pin"), "accounts[5] (« animateur ») : Il manque, pour ce rôle : pin."),
    (drop("accounts.0.dossier"), "accounts[0] (« martin ») : Il manque, pour ce rôle : dossier."),
    (
        put("accounts.5.regies", ["enfance"]),
        "accounts[5] (« animateur ») : Seuls un régisseur (cashier) ou un agent (agent) encaissent pour des régies.",
    ),
    (
        put("accounts.2.role", "maire"),
        "accounts[2].role (« agent ») : Une de ces valeurs est attendue : "
        "'guardian', 'agent', 'cashier', 'administrator' ou 'site_staff'.",
    ),
    (drop("families.0.adults.0.email"), "Compte martin : le premier adulte du dossier n'a pas de courriel."),
    # families that could not be drawn
    (put("generated_families.first_names", ["Ada"]), "generated_families.first_names : Il en faut au moins 6."),
    (
        put("generated_families.quotients", [5, 1]),
        "generated_families.quotients : Le quotient le plus bas vient en premier.",
    ),
    (
        put("schools.0.level", "college"),
        "schools[0].level (« les-tilleuls ») : Une de ces valeurs est attendue : 'nursery' ou 'elementary'.",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=[sentence.split(" : ")[0] for _, sentence in BROKEN])
def test_what_is_wrong_is_said_with_its_place(town: Document, change: Change, sentence: str) -> None:
    change(town)
    assert sentence in faults(town)


def test_everything_wrong_is_said_at_once_and_each_fault_once(town: Document) -> None:
    for path in ("town.name", "regies.0.name", "families.0.number"):  # two services read the first and the last
        drop(path)(town)
    found = faults(town)
    assert len(found) == len(set(found))
    assert {fault.split(" : ")[0] for fault in found} >= {
        "town.name",
        "regies[0].name (« enfance »)",
        "families[0].number",
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'[town]\nname = "Ville\n', "ligne 2, colonne"),
        (b"[town]\nname = 1\nname = 2\n", "ligne 3, colonne"),
        (b"[town", "fin du fichier : ce n'est pas du TOML"),
        ('[town]\nname = "Évry"\n'.encode("latin-1"), "le fichier n'est pas enregistré en UTF-8."),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_line(content: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "ville.toml"
    file.write_bytes(content)
    with pytest.raises(towns.TownError) as refused:
        towns.read(file)
    assert sentence in str(refused.value)


def test_a_file_saved_by_a_windows_editor_is_read_and_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    file = tmp_path / "ville.toml"
    file.write_bytes(b"\xef\xbb\xbf" + TOWN.read_bytes().replace(b"\n", b"\r\n"))
    assert towns.read(file).keys() == tomllib.loads(TOWN.read_text()).keys()
    with pytest.raises(towns.TownError, match=r"ne peut pas être lu"):
        towns.read(tmp_path / "absent.toml")


async def rows(url: str, tables: list[str]) -> int:
    connection = await asyncpg.connect(url)
    try:
        return sum([await connection.fetchval(f'SELECT count(*) FROM "{table}"') for table in tables])
    finally:
        await connection.close()


async def test_no_service_loads_anything_from_a_file_that_another_must_refuse(postgres: str, town: Document) -> None:
    broken = copy.deepcopy(town)
    put("regies.0.numcli", "?")(broken)  # billing's alone
    for service in services():
        made = await create_database(postgres, service.name)
        with ThreadPoolExecutor(1) as threads:
            await asyncio.wrap_future(threads.submit(migrate, service.name, made))
        tables = [table.name for table in service.metadata.sorted_tables]
        if service.load:
            empty = await rows(made.owner_url, tables)
            with pytest.raises(towns.TownError, match="Six chiffres"):
                await command.load(service, made.owner_url, broken)
            assert await rows(made.owner_url, tables) == empty, service.name
            await command.load(service, made.owner_url, town)
            assert await rows(made.owner_url, tables) > empty, service.name
        await drop_database(postgres, made)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a description; of long lists the first entries."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


@pytest.mark.parametrize(
    "odd", ["", "\0", 0, -1, 10**30, 1.5, float("nan"), True, [], {}, [[]], [{}], {"a": []}], ids=repr
)
def test_nothing_odd_anywhere_ends_in_anything_but_sentences(town: Document, odd: Any) -> None:
    for path in places(town):
        changed = copy.deepcopy(town)
        put(".".join(map(str, path)), odd)(changed)
        with suppress(towns.TownError):
            towns.validated(changed)


@pytest.mark.parametrize("count", [2, 60, 2200])
def test_a_town_of_so_many_families_keeps_those_written_and_draws_the_others(town: Document, count: int) -> None:
    found = [family.number for family in families(towns.validated(of_families(town, count))["dossier"])]
    written = [family["number"] for family in town["families"]]
    assert (found[:3], len(found)) == (written, max(count, 3))


@pytest.mark.parametrize(("count", "places"), [(2, 120), (60, 120), (61, 240), (2200, 120 * 37)])
def test_a_larger_town_has_as_many_more_places_each_day(town: Document, count: int, places: int) -> None:
    activities = {entry["code"]: entry for entry in of_families(town, count)["activities"]}
    assert activities["cantine"]["bands"][0] == {"ages": [2, 5], "places": places}
    assert activities.keys() == {entry["code"] for entry in town["activities"]}


def test_everybody_of_the_demo_town_is_told_how_to_sign_in(town: Document) -> None:
    assert sign_ins(town).row_count == len(town["accounts"])
