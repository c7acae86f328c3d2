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
