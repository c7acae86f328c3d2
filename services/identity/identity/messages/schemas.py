"""Bodies and answers of one's inbox and preferences."""

from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.bodies import Answer, Page, RequestBody
from pydantic import Field, model_validator

from identity.fields import refusal
from identity.notices.rules import ALWAYS, CATEGORIES, NAMES, Category


class Message(Answer):
    """Text alone; `link` is a path of the web application."""

    id: UUID
    title: str
    paragraphs: list[str]
    link: str | None
    created_at: datetime
    read_at: datetime | None


class Inbox(Page[Message]):
    """A page of messages, newest first; `unread` counts all that are not read."""

    unread: int


class Mail(Answer):
    """A category of mails; those that are always sent say why."""

    category: Category
    name: str
    wanted: bool
    always: str | None


class Preferences(Answer):
    mails: list[Mail]

    @classmethod
    def without(cls, unwanted: set[Category]) -> Self:
        return cls(
            mails=[
                Mail(category=one, name=NAMES[one], wanted=one not in unwanted, always=ALWAYS.get(one))
                for one in CATEGORIES
            ]
        )


class PreferencesChange(RequestBody):
    """The categories of which one wants messages only, and no mail."""

    unwanted: list[Category] = Field(max_length=len(CATEGORIES))

    @model_validator(mode="after")
    def _may_be_left_out(self) -> Self:
        for position, one in enumerate(self.unwanted):
            if why := ALWAYS.get(one):
                raise refusal(f"/unwanted/{position}", why)
        return self
