"""What the pages read of the API's answers, a module a service. Amounts are cents; what no page shows is left out."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of what is read; fields that it does not name are passed over."""

    model_config = ConfigDict(frozen=True)
