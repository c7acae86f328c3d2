"""Bodies and answers of the print queue."""

from datetime import datetime
from uuid import UUID

from chassis.bodies import Answer, RequestBody


class LetterWaiting(Answer):
    """`address` are the lines below the name; none: it is printed once the dossier has one."""

    id: UUID
    number: str
    recipient: str
    address: list[str]
    title: str
    created_at: datetime


class Printed(RequestBody):
    """`run_id` is the `ETag` of the PDF."""

    run_id: UUID


class PrintedLetters(Answer):
    letters: int
