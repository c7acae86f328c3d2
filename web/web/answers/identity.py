"""What identity answers."""

from web.answers import Answer


class Me(Answer):
    id: str
    role: str
    first_name: str


class LegalText(Answer):
    version: str
    title: str
    text: str


class Reset(Answer):
    username: str
    first_name: str
