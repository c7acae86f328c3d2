"""What the catalogue takes and gives over HTTP."""

from typing import Literal
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from contracts.dossier import Level
from pydantic import AwareDatetime

from enrolment.catalogue.house_rules import Standing
from enrolment.catalogue.rules import Why

Kind = Literal["periscolaire", "restauration", "extrascolaire"]


class SiteAnswer(Answer):
    id: UUID
    code: str
    kind: Literal["school", "centre"]
    name: str


class WindowAnswer(Answer):
    """From when (none: always) until when (none: always) families enrol for that school year."""

    school_year: str
    opens_at: AwareDatetime | None
    closes_at: AwareDatetime | None


class ActivityAnswer(Answer):
    """Open to the children of these `ages` (the youngest and the oldest; none: any), `levels` and schools (`sector`),
    where one is said; in a school year without a window at any time.

    Of a child only it is told whether it is `open`, and where it is not the `reason`, with what to do, and its code.
    """

    id: UUID
    code: str
    name: str
    kind: Kind
    site_id: UUID | None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    status: Literal["open", "closed"]
    ages: tuple[int, int] | None
    levels: list[Level]
    sector: list[UUID]
    enrolment_windows: list[WindowAnswer]
    open: bool | None = None
    reason_code: Why | None = None
    reason: str | None = None


class HouseRulesAnswer(Answer):
    """A school year's règlement, and when the family accepted it, if it has."""

    dossier_id: UUID
    school_year: str
    version: str
    title: str
    text: str
    accepted: bool
    accepted_at: AwareDatetime | None

    @classmethod
    def of(cls, standing: Standing) -> "HouseRulesAnswer":
        rules, acceptance = standing.rules, standing.acceptance
        return cls(
            dossier_id=standing.dossier_id,
            school_year=rules.school_year,
            version=rules.version,
            title=rules.title,
            text=rules.text,
            accepted=acceptance is not None,
            accepted_at=acceptance and acceptance.accepted_at,
        )


class Acceptance(RequestBody):
    """`version` is the one that was read; `dossier_id` is for the desk alone."""

    version: str
    school_year: str | None = None
    dossier_id: UUID | None = None
