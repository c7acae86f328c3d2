"""Whom an edit touches, as every service answers it of a preview."""

import datetime

from web.answers import Answer, Page


class Site(Answer):
    site_name: str | None
    in_words: str


class Activity(Answer):
    activity_name: str | None
    in_words: str
    sites: list[Site]


class Touch(Answer):
    """What becomes otherwise in one way: how much, of how many children and families."""

    in_words: str
    activities: list[Activity]


class Things(Answer):
    """What is touched of a child and family in one way, on these days; `reason` says why, where that is not clear."""

    in_words: str
    reason: str | None
    dossier_id: str
    dossier_number: str | None
    activity_name: str | None
    site_name: str | None
    days: list[datetime.date]


class Child(Answer):
    child_first_name: str | None
    things: list[Things]


class Touched(Answer):
    """`said` is what follows for the families; the children come by pages."""

    said: list[str]
    touches: list[Touch]
    children: Page[Child]


class Previewed(Answer):
    touched: Touched
