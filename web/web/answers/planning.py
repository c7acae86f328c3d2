"""What planning answers."""

import datetime

from pydantic import AwareDatetime

from web.answers import Answer


class Moment(Answer):
    until: AwareDatetime
    in_words: str
    open: bool


class DayDeadlines(Answer):
    date: datetime.date
    booking: Moment
    cancellation: Moment


class ActivityDeadlines(Answer):
    activity_name: str
    booking_in_words: str
    cancellation_in_words: str
    days: list[DayDeadlines]


class WeekDeadlines(Answer):
    activity_name: str
    name: str
    booking: Moment
    cancellation: Moment


class Deadlines(Answer):
    activities: list[ActivityDeadlines]
    holiday_weeks: list[WeekDeadlines]


class Cell(Answer):
    date: datetime.date
    status: str


class Row(Answer):
    """One child's month of one activity; names are none until planning has heard them."""

    child_id: str
    child_first_name: str | None
    activity_id: str
    activity_name: str | None
    cells: list[Cell]


class DraftedDay(Answer):
    """`reason` says why it cannot be validated now."""

    change_until: AwareDatetime | None
    reason: str | None


class Draft(Answer):
    changes: list[DraftedDay]


class Planning(Answer):
    month: str
    rows: list[Row]
    draft: Draft | None


class DayCell(Answer):
    """`reason` says why the day cannot be changed; `change_until` until when it can be, or could."""

    date: datetime.date
    status: str
    can_change: bool
    change_until: AwareDatetime | None
    reason: str | None
    booking_id: str | None


class MonthRow(Answer):
    """As `Row`, with all that is said of its days."""

    child_id: str
    child_first_name: str | None
    activity_id: str
    activity_name: str | None
    cells: list[DayCell]


class Wish(Answer):
    child_id: str
    activity_id: str
    date: datetime.date
    reserve: bool
    reason: str | None


class MonthDraft(Answer):
    kept_at: AwareDatetime
    changes: list[Wish]


class MonthPlanning(Answer):
    """`version` is what a change says it has seen."""

    month: str
    version: int
    rows: list[MonthRow]
    draft: MonthDraft | None


class ChangedDay(Answer):
    child_first_name: str
    activity_name: str
    date: datetime.date


class Receipt(Answer):
    added: list[ChangedDay]
    removed: list[ChangedDay]


class CopiedDay(Answer):
    """`reason` says why it cannot be, of those refused."""

    child_id: str
    activity_id: str
    date: datetime.date
    reserve: bool
    reason: str | None = None


class Copied(Answer):
    changes: list[CopiedDay]
    refused: list[CopiedDay]


class Entry(Answer):
    """What was changed at once. `by` says who: you, family, other_family, desk, or town (it followed from `reason`)."""

    at: AwareDatetime
    child_first_name: str | None
    activity_name: str | None
    reserved: list[datetime.date]
    cancelled: list[datetime.date]
    by: str
    name: str | None
    reason: str | None


class Feed(Answer):
    made_at: AwareDatetime | None


class NewFeed(Answer):
    secret: str


class WeeklyDigest(Answer):
    enabled: bool


class ClosedDay(Answer):
    date: datetime.date
    name: str


class Calendar(Answer):
    """The days on which the town is closed."""

    closed_days: list[ClosedDay]


class DeadlineChange(Answer):
    """A coming day whose deadlines change; without `before` or `after`: it did not take place, or no longer does."""

    activity_name: str
    date: datetime.date
    before: DayDeadlines | None
    after: DayDeadlines | None


class Changes(Answer):
    """What an edit comes to, a year ahead."""

    changes: list[DeadlineChange]


class Rule(Answer):
    """`rule` says which of the others there are."""

    rule: str
    n: int | None = None
    working_days: bool | None = None
    weekday: str | None = None
    weeks: int | None = None
    day: int | None = None
    months: int | None = None
    time: datetime.time | None = None


class Band(Answer):
    """So many places a day for children of these ages (the youngest, the oldest); none of the site: at each."""

    ages: list[int]
    places: int
    site_id: str | None


class Rules(Answer):
    """An activity's: its weekdays, its two deadlines and its places."""

    activity_name: str
    weekdays: list[str]
    booking_deadline: Rule
    booking_in_words: str
    cancellation_deadline: Rule
    cancellation_in_words: str
    bands: list[Band]
