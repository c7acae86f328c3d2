"""What the catalogue takes and gives over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.touched import Touched
from chassis.towns import Code, Words
from contracts.dossier import Level
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from enrolment.catalogue.house_rules import Standing
from enrolment.catalogue.models import Activity
from enrolment.catalogue.rules import Why

Kind = Literal["periscolaire", "restauration", "extrascolaire"]
Name = Annotated[Words, Field(max_length=200)]
NewCode = Annotated[Code, Field(max_length=50)]


def _youngest_first(ages: list[int]) -> list[int]:
    if ages[0] > ages[1]:
        raise ValueError("L'âge le plus bas vient en premier.")
    return ages


def each_once(values: list[Any]) -> list[Any]:
    if len({str(one) for one in values}) < len(values):
        raise ValueError("La même valeur est donnée deux fois.")
    return values


def _written(moment: object) -> object:
    if not isinstance(moment, str):
        raise ValueError("Une date et une heure sont attendues, avec leur décalage (2027-01-04T08:30:00+01:00).")
    return moment


def _this_century(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2100:
        raise ValueError("Un moment de ce siècle est attendu.")
    return moment.astimezone(UTC)


def unsaid() -> Any:
    """For a field of a change: where it is not sent, what is there stays. It may not be null."""
    return Field(default=None)


#: The youngest and the oldest, both included.
Ages = Annotated[
    list[Annotated[int, Field(ge=0, le=25)]], Field(min_length=2, max_length=2), AfterValidator(_youngest_first)
]
Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_this_century)]


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


class Window(RequestBody):
    """From when (none: always) until when (none: always) families enrol for that school year."""

    school_year: str
    opens_at: Moment | None = None
    closes_at: Moment | None = None

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "Window":
        if self.opens_at and self.closes_at and self.opens_at >= self.closes_at:
            raise ValueError("Les inscriptions ouvrent avant de se clore.")
        return self


def _one_a_year(windows: list[Window]) -> list[Window]:
    each_once([one.school_year for one in windows])
    return windows


Windows = Annotated[list[Window], Field(max_length=10), AfterValidator(_one_a_year)]
Levels = Annotated[list[Level], Field(max_length=2), AfterValidator(each_once)]
Sector = Annotated[list[UUID], Field(max_length=200), AfterValidator(each_once)]


class NewSite(RequestBody):
    code: NewCode
    kind: Literal["school", "centre"]
    name: Name


class SiteChange(RequestBody):
    name: Name = unsaid()


class _Activity(RequestBody):
    def columns(self) -> dict[str, Any]:
        """What was sent, by column; windows apart."""
        sent = self.model_dump(exclude_unset=True, exclude={"enrolment_windows"})
        if "ages" in sent:
            sent["min_age"], sent["max_age"] = sent.pop("ages") or (None, None)
        return sent


class NewActivity(_Activity):
    """`regie` is the code of the régie that collects for it. What is not said is open to all, at any time."""

    code: NewCode
    name: Name
    kind: Kind
    site_id: UUID | None = None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    regie: str
    status: Literal["open", "closed"] = "open"
    ages: Ages | None = None
    levels: Levels = Field(default=[])
    sector: Sector = Field(default=[])
    enrolment_windows: Windows = Field(default=[])


class ActivityChange(_Activity):
    """What is sent changes, the rest stays; windows are replaced by those sent. What money follows is for good."""

    name: Name = unsaid()
    status: Literal["open", "closed"] = unsaid()
    ages: Ages | None = None
    levels: Levels = unsaid()
    sector: Sector = unsaid()
    enrolment_windows: Windows = unsaid()


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
    regie: str
    status: Literal["open", "closed"]
    ages: tuple[int, int] | None
    levels: list[Level]
    sector: list[UUID]
    enrolment_windows: list[WindowAnswer]
    open: bool | None = None
    reason_code: Why | None = None
    reason: str | None = None


class ActivityEdited(ActivityAnswer):
    """`touched` is of a preview alone: who would no longer be taken."""

    touched: Touched | None = None

    @classmethod
    def of(cls, activity: Activity, touched: Touched | None) -> "ActivityEdited":
        answer = cls.model_validate(activity)
        answer.touched = touched
        return answer


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
