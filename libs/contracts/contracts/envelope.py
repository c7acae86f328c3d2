"""The CloudEvents 1.0 envelope, structured JSON, and what every event has in common."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue


class Fact(BaseModel):
    """A frozen piece of an event. Unknown fields are ignored: contracts only ever grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Fact):
    """What is true now of one aggregate. `version` grows with each event of that aggregate, whatever its type."""

    type: ClassVar[str]
    #: The field that names the aggregate.
    subject_field: ClassVar[str]

    version: int = Field(ge=1)

    @property
    def subject(self) -> UUID:
        """The aggregate's id."""
        subject: UUID = getattr(self, self.subject_field)
        return subject


class Envelope(BaseModel):
    """CloudEvents 1.0; https://github.com/cloudevents/spec. `republished`, where it is there: told again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: str = Field(default="1.0", pattern=r"^1\.0$")
    id: UUID
    source: str
    type: str
    subject: UUID
    time: AwareDatetime
    datacontenttype: str = "application/json"
    traceparent: str | None = None
    republished: bool = Field(default=False, exclude_if=lambda again: not again)
    data: dict[str, JsonValue]
