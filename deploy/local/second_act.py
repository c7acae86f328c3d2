"""The second act: a school year's canteen, day by day, a place in a week that is full, and a change of the dossier that
an agent decides. It follows the journey.

It takes place in time: the stack's clock moves past a deadline.
"""

from base64 import b64decode
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from french import wording
from french.calendar import DAY, school_year
from french.paris import day_in_paris
from identity.second_factor import STEP_S, totp

from deploy.local.clock import Clock
from deploy.local.journey import PASSWORD, USERNAME, Journey
from deploy.local.portal import CLAIRE, Addresses, Json, Portal, RefusedError, until

MARTIN, MARTIN_PASSWORD = "martin", "Bienvenue!2026"
ADMIN, AGENT, STAFF_PASSWORD, STAFF_SECRET = "admin", "agent", "Guichet!2026", "JBSWY3DPEHPK3PXP"
CANTEEN_DAYS = ["monday", "tuesday", "thursday", "friday"]
#: The least that is a picture.
PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
#: Two of them are in one month after the first.
ENOUGH = 4
#: As long as deadlines are told of at once.
SPAN = timedelta(days=60)


class SecondAct:
    """What Claire Moreau does next; each step leaves here what the next one needs."""

    def __init__(self, journey: Journey, stack: Addresses, clock: Clock) -> None:
        self.portal, self.journey, self.stack, self.clock = journey.portal, journey, stack, clock
        self.said = ""

    async def enrol(self) -> None:
        """« Inscrire »: Tom eats at the canteen from its next open day on"""
        self.tom = self.journey.children["Tom"]
        listed = await self.portal.get(f"/enrolment/v1/activities?kind=restauration&child_id={self.tom}")
        (canteen,) = [one for one in listed["items"] if one["open"]]
        self.canteen = canteen["id"]
        wish = {"child_id": self.tom, "activity_id": self.canteen, "from": await self._first_day()}
        self.enrolment = await self.portal.post("/enrolment/v1/enrolments", wish)
        first, last = (_day(self.enrolment[name]) for name in ("valid_from", "valid_to"))
        self.said = f"{canteen['name']}, du {first} au {last}"

    async def reserve_a_usual_week(self) -> None:
        """Ask for a usual week, until the end of the school year: planning hears of it and reserves its days"""
        week = {"days": CANTEEN_DAYS, "from": self.enrolment["valid_from"], "to": self.enrolment["valid_to"]}
        await self.portal.call("PUT", f"/enrolment/v1/enrolments/{self.enrolment['id']}/usual-week", week)
        applied = (await self.portal.enrolled(self.enrolment["id"]))["applied"]
        self.reserved = applied["reserved"]
        assert self.reserved[0] >= self.enrolment["valid_from"], applied
        # In one month, and after the first: these are given up and asked for again.
        later = groupby(self.reserved[1:], key=lambda day: day[:7])
        self.one, self.other = next(days[:2] for _, some in later if len(days := list(some)) > 1)
        mail = await self._mail("semaine habituelle", "Tom")
        counted, ends = wording.days(len(self.reserved)), _day(self.reserved[-1])
        self.said = f"{counted} réservés, jusqu'au {ends}\n« {mail['subject']} »"

    async def untick_in_time(self) -> None:
        """Untick a day before its deadline, and « Valider »"""
        planning, etag = await self.portal.month(self.one[:7])
        cell = _cell(planning, self.tom, self.canteen, self.one)
        assert (cell["status"], cell["can_change"]) == ("reserved", True), cell
        receipt = await self.portal.validate(self.one[:7], etag, self._change(self.one, reserve=False))
        assert [day["date"] for day in receipt["removed"]] == [self.one], receipt
        self.said = f"{_day(self.one)} annulé : c'était possible jusqu'au {_moment(cell['change_until'])}"

    async def untick_too_late(self) -> None:
        """Untick another one five minutes after its deadline: it is refused, and says why"""
        first = self.reserved[0]
        planning, _ = await self.portal.month(first[:7])
        late = datetime.fromisoformat(_cell(planning, self.tom, self.canteen, first)["change_until"])
        self.clock.advance(seconds=(late + timedelta(minutes=5) - self.clock.now()).total_seconds())
        await self.portal.sign_in(USERNAME, PASSWORD)
        planning, etag = await self.portal.month(first[:7])
        assert not _cell(planning, self.tom, self.canteen, first)["can_change"], planning
        try:
            await self.portal.validate(first[:7], etag, self._change(first, reserve=False))
        except RefusedError as refused:
            (error,) = refused.problem["errors"]
        else:
            raise AssertionError("a day was given up after its deadline")
        self.said = f"(the clock moves to {_moment(self.clock.now().isoformat())})\n{_day(first)} : {error['detail']}"

    async def keep_a_draft(self) -> None:
        """« Conserver en brouillon »: that day again, instead of the next; nothing is reserved yet"""
        changes = [self._change(self.one, reserve=True), self._change(self.other, reserve=False)]
        body = {"month": self.one[:7], "changes": changes}
        draft = await self.portal.call("PUT", "/planning/v1/plannings/draft", body)
        planning, self.etag = await self.portal.month(self.one[:7])
        shown = [_cell(planning, self.tom, self.canteen, day)["status"] for day in (self.one, self.other)]
        assert shown == ["open", "reserved"], planning
        assert len(planning["draft"]["changes"]) == len(draft["changes"]) == 2, planning
        until_ = _moment(min(one["change_until"] for one in draft["changes"]))
        self.said = f"2 cases gardées sur le planning, à valider avant le {until_} ; rien n'est réservé"

    async def validate_the_draft(self) -> None:
        """« Valider »: all of it or nothing; the receipt names each day, and goes by mail"""
        receipt = await self.portal.validate(self.one[:7], self.etag)
        added, removed = ([_day(one["date"]) for one in receipt[name]] for name in ("added", "removed"))
        assert (added, removed) == ([_day(self.one)], [_day(self.other)]), receipt
        planning, _ = await self.portal.month(self.one[:7])
        assert planning["draft"] is None, planning
        mail = await self.portal.mail(CLAIRE["email"], "1 jour réservé, 1 jour annulé")
        self.said = f"réservé : {added[0]} ; annulé : {removed[0]}\n« {mail['subject']} »"

    async def find_a_week_full(self) -> None:
        """Find a week full: the Martins hold its last place"""
        self.martins = Portal(self.stack)
        await self.martins.sign_in(MARTIN, MARTIN_PASSWORD)
        hugo = (await self.martins.children())["Hugo"]
        theirs = {week["id"] for week in await self.martins.weeks(hugo)}
        taken = set(self.journey.pair[1]["dates"])
        self.week = next(
            week
            for week in await self.portal.weeks(self.tom)
            if week["id"] in theirs and not taken & set(week["dates"])
        )
        self.theirs = await self.martins.book([(hugo, self.week["id"])])
        await self._close_the_rest()
        (week,) = [one for one in await self.portal.holiday_weeks(self.tom) if one["id"] == self.week["id"]]
        assert not week["bookable"], week
        self.said = f"{week['centre']}, {week['name']} : {week['reason']}"

    async def wait_for_it(self) -> None:
        """Join the waiting list: the rank, and why"""
        wish = {"child_id": self.tom, "holiday_week_id": self.week["id"]}
        self.entry = await self.portal.post("/enrolment/v1/waiting-list", wish)
        assert (self.entry["status"], self.entry["rank"]) == ("waiting", 1), self.entry
        points = [f"· {one['points']} points : {one['explanation']}" for one in self.entry["criteria"] if one["met"]]
        self.said = "\n".join([f"rang {self.entry['rank']}, {self.entry['points']} points", *points])

    async def be_offered_the_place(self) -> None:
        """The Martins give up: in that moment their place is offered to who waits first"""
        await self.martins.cancel(self.theirs["id"])
        await self.martins.__aexit__()

        async def offered() -> Json | None:
            entries: list[Json] = (await self.portal.get("/enrolment/v1/waiting-list"))["items"]
            return next((one for one in entries if one["id"] == self.entry["id"] and one["status"] == "offered"), None)

        self.entry = await until(offered, "the place is offered")
        mail = await self.portal.mail(CLAIRE["email"], "une place est gardée pour vous")
        self.said = f"gardée jusqu'au {_moment(self.entry['offer_expires_at'])}\n« {mail['subject']} »"

    async def accept_the_offer(self) -> None:
        """Accept it: the place is held, to be paid like any other"""
        self.accepted = await self.portal.post(f"/enrolment/v1/waiting-list/{self.entry['id']}/accept")
        (line,) = self.accepted["lines"]
        assert (self.accepted["status"], line["holiday_week_id"]) == ("held", self.week["id"]), self.accepted
        self.said = f"{self.accepted['status']} until {self.accepted['hold_expires_at'][11:16]} UTC"

    async def ask_for_a_change(self) -> None:
        """« Demander une modification »: a new address, with its proof; nothing changes yet"""
        self.dossier = await self.portal.get("/dossier/v1/dossiers/mine")
        proof = await self.portal.hand_in(self.dossier["id"], "domicile", PICTURE)
        self.address = self.dossier["address"] | {"street": "14 rue des Écoles"}
        asked = {"change": {"kind": "address"} | self.address, "document_ids": [proof["id"]]}
        path = f"/dossier/v1/dossiers/{self.dossier['id']}/change-requests"
        self.request = await self.portal.post(path, asked)
        assert (self.request["status"], self.request["old"]) == ("waiting", self.dossier["address"]), self.request
        old, new = self.request["old"]["street"], self.request["new"]["street"]
        self.said = f"avant : {old} ; demandé : {new}, avec un justificatif de domicile"

    async def decide_the_change(self) -> None:
        """The desk reads old beside new, and accepts with a reason: it is so, and the family is told"""
        self.clock.advance(seconds=STEP_S + 1)  # a code is good once
        async with Portal(self.stack) as agent:
            await agent.sign_in(AGENT, STAFF_PASSWORD, self._code())
            queue = (await agent.get(f"/dossier/v1/change-requests?status=waiting&dossier_id={self.dossier['id']}"))[
                "items"
            ]
            assert [one["id"] for one in queue] == [self.request["id"]], queue
            decision = {"decision": "accepted", "reason": "Justificatif de domicile vérifié"}
            await agent.post(f"/dossier/v1/change-requests/{self.request['id']}/decision", decision)
        now = await self.portal.get("/dossier/v1/dossiers/mine")
        assert now["address"] == self.address, now
        mail = await self.portal.mail(CLAIRE["email"], "demande de modification est acceptée")
        self.said = f"adresse : {now['address']['street']}\n« {mail['subject']} »"

    def steps(self) -> Iterator[Any]:
        """In order, as `Journey.steps`."""
        yield from (
            self.enrol,
            self.reserve_a_usual_week,
            self.untick_in_time,
            self.untick_too_late,
            self.keep_a_draft,
            self.validate_the_draft,
            self.find_a_week_full,
            self.wait_for_it,
            self.be_offered_the_place,
            self.accept_the_offer,
            self.ask_for_a_change,
            self.decide_the_change,
        )

    async def _first_day(self) -> str:
        """The canteen's next that can still be reserved; where the school year is nearly over, next year's."""
        coming: list[str] = []
        for first in (day_in_paris(self.clock.now()) + n * SPAN for n in range(2)):
            activities = await self.portal.get(f"/planning/v1/deadlines?from={first}&to={first + SPAN - DAY}")
            (days,) = [one["days"] for one in activities["activities"] if one["activity_id"] == self.canteen]
            coming += [day["date"] for day in days if day["booking"]["open"]]
        years = [list(some) for _, some in groupby(coming, key=lambda day: school_year(date.fromisoformat(day)))]
        return next(days[0] for days in years if len(days) >= ENOUGH)

    async def _mail(self, subject: str, name: str) -> Json:
        """The mail of that subject which names somebody, once it is there."""

        async def found() -> Json | None:
            mails = await self.portal.mails(CLAIRE["email"])
            return next((one for one in mails if subject in one["subject"].lower() and name in one["text"]), None)

        return await until(found, f"a mail « {subject} » of {name}")

    async def _close_the_rest(self) -> None:
        """The administrator gives the week no more places than are taken."""
        async with Portal(self.stack) as administrator:
            await administrator.sign_in(ADMIN, STAFF_PASSWORD, self._code())
            path = f"/enrolment/v1/holiday-weeks/{self.week['id']}"
            week, etag = await administrator.tagged(path)
            change = {"places": week["taken"], "reason": "Une animatrice est absente cette semaine-là"}
            await administrator.edit("PATCH", path, change, etag)

    def _code(self) -> str:
        return totp(STAFF_SECRET, int(self.clock.now().timestamp()) // STEP_S)

    def _change(self, day: str, *, reserve: bool) -> Json:
        return {"child_id": self.tom, "activity_id": self.canteen, "date": day, "reserve": reserve}


def _cell(planning: Json, child_id: str, activity_id: str, day: str) -> Json:
    (row,) = [one for one in planning["rows"] if (one["child_id"], one["activity_id"]) == (child_id, activity_id)]
    (cell,) = [one for one in row["cells"] if one["date"] == day]
    return dict(cell)


def _day(written: str) -> str:
    return wording.day(date.fromisoformat(written))


def _moment(written: str) -> str:
    return wording.moment(datetime.fromisoformat(written))
