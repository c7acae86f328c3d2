"""What is sent and answered of quotients."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from chassis import clock
from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Name, Reason, Shape
from french.paris import day_in_paris
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dossier.quotients.models import CampaignStatus
from dossier.quotients.particulier import FRANCE

_COUNTRY = "Le code INSEE d'un pays compte cinq chiffres et commence par 99 (99100 : France)."
_TOWN = "Le code INSEE d'une commune compte cinq caractères, par exemple 75056 ou 2A004."


class NewQuotient(RequestBody):
    """Whole euros. `counts_from` is the first of the next month where it is not said; from before that needs a
    `reason`, which is kept. `valid_to` is the end of the year after where it is not said.
    """

    value: Annotated[int, Field(ge=0, le=1_000_000)]
    source: Literal["caf", "msa", "municipal"]
    counts_from: Day | None = None
    valid_to: Day | None = None
    reason: Reason | None = None


class RecordedQuotient(Answer):
    """As recorded: a later one ends an earlier one from its own first day on."""

    value: int
    source: Literal["caf", "msa", "municipal"]
    valid_from: date
    valid_to: date
    reason: str | None


class Quotients(Answer):
    """The whole history, the newest first."""

    items: list[RecordedQuotient]


def _past(birth_date: date) -> date:
    if birth_date >= day_in_paris(clock.now()):
        raise ValueError("Cette date de naissance est dans le futur.")
    return birth_date


class Consent(RequestBody):
    """The civil status by which the CAF or the MSA knows an adult: names at birth; INSEE's codes of the country
    (99100: France) and, where it is France, of the commune of birth.
    """

    birth_name: Name
    first_names: Annotated[list[Name], Field(min_length=1, max_length=10)]
    sex: Literal["F", "M"]
    birth_date: Annotated[Day, AfterValidator(_past)]
    birth_country: Annotated[str, Shape("^99[0-9]{3}$", _COUNTRY)] = FRANCE
    birthplace: Annotated[str, Shape("^[0-9][0-9AB][0-9]{3}$", _TOWN)] | None = Field(
        default=None, validate_default=True
    )

    @field_validator("birthplace")
    @classmethod
    def _in_france_alone(cls, birthplace: str | None, info: ValidationInfo) -> str | None:
        country = info.data.get("birth_country")  # nothing where it is refused itself
        if country and (country == FRANCE) is (birthplace is None):
            raise ValueError(
                "La commune de naissance (code INSEE) est attendue pour une naissance en France, et là seulement."
            )
        return birthplace


class ConsentAnswer(Answer):
    """Whether an adult agrees that their quotient is asked for, and since when; `possible`: the town can ask."""

    agreed: bool
    agreed_at: datetime | None
    possible: bool


Outcome = Literal["changed", "unchanged", "unknown", "no_consent"]


class LookupAnswer(Answer):
    """`detail` says in French what was found, or why nothing."""

    outcome: Outcome
    detail: str


class CampaignAnswer(Answer):
    """Of `total` families `done` have been asked for; `trouble` says in French why it pauses."""

    id: UUID
    status: CampaignStatus
    total: int
    done: int
    changed: int
    unchanged: int
    unknown: int
    no_consent: int
    trouble: str | None
    asked_at: datetime
    finished_at: datetime | None


class NotFoundAnswer(Answer):
    dossier_id: UUID
    number: str
    outcome: Outcome
    detail: str


class CampaignReport(CampaignAnswer):
    """With the families of whom nothing was found, by number; `next_number` asks for those after it."""

    items: list[NotFoundAnswer]
    next_number: str | None
