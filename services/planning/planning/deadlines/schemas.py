"""What is asked and answered about the town's calendar, the rules of activities, and their deadlines."""

import datetime
from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.touched import Touched
from french.calendar import public_holidays, school_holidays
from pydantic import AwareDatetime, Field

from planning.deadlines import rules
from planning.deadlines.activity_rules import Change, Edition, Week
from planning.deadlines.rules import ClosedDay, ClosedDays, Rule, TownCalendar, Weekday
from planning.slots.rules import Band


class CalendarChange(RequestBody):
    """All days on which the town is closed, in place of those it had."""

    closed_days: ClosedDays


class PublicHoliday(Answer):
    date: datetime.date
    name: str


class SchoolHolidays(Answer):
    """From the first to the last day, both included."""

    name: str
    from_: Annotated[datetime.date, Field(serialization_alias="from")]
    to: datetime.date


class Moment(Answer):
    """Until when; `open` says whether that is still to come."""

    until: AwareDatetime
    in_words: str
    open: bool

    @classmethod
    def of(cls, until: datetime.datetime, now: datetime.datetime) -> "Moment":
        return cls(until=until, in_words=rules.in_words(until), open=rules.still_open(until, now))


class DayAnswer(Answer):
    """Until when the day may be booked, and given up."""

    date: datetime.date
    booking: Moment
    cancellation: Moment

    @classmethod
    def of(cls, day: rules.DayDeadlines, now: datetime.datetime) -> "DayAnswer":
        booking, cancellation = Moment.of(day.booking, now), Moment.of(day.cancellation, now)
        return cls(date=day.date, booking=booking, cancellation=cancellation)


class ChangeAnswer(Answer):
    """A coming day whose deadlines change; without `before` or `after`: it did not take place, or no longer does."""

    activity_id: UUID
    activity_name: str
    date: datetime.date
    before: DayAnswer | None
    after: DayAnswer | None

    @classmethod
    def of(cls, change: Change, now: datetime.datetime) -> "ChangeAnswer":
        before, after = (one and DayAnswer.of(one, now) for one in (change.before, change.after))
        activity = change.activity
        return cls(
            activity_id=activity.activity_id, activity_name=activity.name, date=change.day, before=before, after=after
        )


class CalendarAnswer(Answer):
    """The days on which the town is closed, and what the law and the zone add until the end of next year."""

    school_zone: str
    closed_days: list[ClosedDay]
    public_holidays: list[PublicHoliday]
    school_holidays: list[SchoolHolidays]

    @classmethod
    def of(cls, calendar: TownCalendar, today: datetime.date) -> "CalendarAnswer":
        years = (today.year, today.year + 1)
        return cls(
            school_zone=calendar.school_zone,
            closed_days=[ClosedDay(date=day, name=name) for day, name in sorted(calendar.closed.items())],
            public_holidays=[
                PublicHoliday(date=day, name=name) for year in years for day, name in public_holidays(year).items()
            ],
            school_holidays=[
                SchoolHolidays(name=period.name, from_=period.days[0], to=period.days[-1])
                for period in school_holidays(calendar.school_zone, (today.year - 1, *years))
                if period.days[-1].year >= today.year
            ],
        )


class CalendarChanged(Answer):
    """What would be, or is; and the coming days, a year ahead, whose deadlines change by it.

    `touched` is of a preview alone: whose reserved days these are.
    """

    calendar: CalendarAnswer
    changes: list[ChangeAnswer]
    touched: Touched | None

    @classmethod
    def of(
        cls,
        calendar: TownCalendar,
        changes: Iterable[Change],
        touched: Touched | None,
        today: datetime.date,
        now: datetime.datetime,
    ) -> "CalendarChanged":
        shown = CalendarAnswer.of(calendar, today)
        return cls(calendar=shown, changes=[ChangeAnswer.of(one, now) for one in changes], touched=touched)


class RulesAnswer(Answer):
    """An activity's rules, deadlines in French too; of an age in no band the places are not counted."""

    activity_id: UUID
    activity_name: str
    weekdays: list[Weekday]
    booking_deadline: Rule
    booking_in_words: str
    cancellation_deadline: Rule
    cancellation_in_words: str
    bands: list[Band]

    @classmethod
    def of(cls, activity: Edition) -> "RulesAnswer":
        said = activity.rules
        return cls(
            activity_id=activity.activity_id,
            activity_name=activity.name,
            weekdays=said.weekdays,
            booking_deadline=said.booking_deadline,
            booking_in_words=said.booking_deadline.in_words(),
            cancellation_deadline=said.cancellation_deadline,
            cancellation_in_words=said.cancellation_deadline.in_words(),
            bands=said.bands,
        )


class RulesChanged(Answer):
    """What would be, or is; and the coming days, a year ahead, whose deadlines change by it.

    `touched` is of a preview alone: whose reserved days these are.
    """

    rules: RulesAnswer
    changes: list[ChangeAnswer]
    touched: Touched | None

    @classmethod
    def of(
        cls, activity: Edition, changes: Iterable[Change], touched: Touched | None, now: datetime.datetime
    ) -> "RulesChanged":
        shown = RulesAnswer.of(activity)
        return cls(rules=shown, changes=[ChangeAnswer.of(one, now) for one in changes], touched=touched)


class ActivityDeadlines(RulesAnswer):
    """Of an activity in school time: each of its days asked for, in order."""

    days: list[DayAnswer]


class WeekDeadlines(Answer):
    """Of a holiday week (`dates`, in order), which is booked and given up as a whole."""

    activity_id: UUID
    activity_name: str
    name: str
    dates: list[datetime.date]
    booking: Moment
    cancellation: Moment

    @classmethod
    def of(cls, week: Week, now: datetime.datetime) -> "WeekDeadlines":
        return cls(
            activity_id=week.activity_id,
            activity_name=week.activity_name,
            name=week.name,
            dates=list(week.dates),
            booking=Moment.of(week.booking_closes_at, now),
            cancellation=Moment.of(week.cancellation_closes_at, now),
        )


class DeadlinesAnswer(Answer):
    """From the first to the last day, both included: by activity's name, then by day."""

    from_: Annotated[datetime.date, Field(serialization_alias="from")]
    to: datetime.date
    activities: list[ActivityDeadlines]
    holiday_weeks: list[WeekDeadlines]
