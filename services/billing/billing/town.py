"""What billing takes from a town's description: régies and tariffs."""

from collections import Counter
from datetime import date
from typing import Annotated, Literal

from chassis.identifiers import named_id
from chassis.outbox import publish
from chassis.towns import Code, Entry, Matching, Words, refers_to, unique_in
from contracts.billing import RegieChanged
from pydantic import Field, field_validator, model_validator
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.models import Regie
from billing.tariffs.models import TariffRow
from billing.tariffs.rules import EffortRate


class RegieEntry(Entry):
    """`numcli` is the number of its contract with PayFiP."""

    code: Annotated[Code, unique_in("regies")]
    name: Words
    numcli: Annotated[str, Matching("[0-9]{6}", "Six chiffres sont attendus, entre guillemets.")]


class TariffEntry(Entry):
    activities: Annotated[list[Annotated[Code, refers_to("activities")]], Field(min_length=1)]
    valid_from: date = Field(alias="from")
    unit: Literal["day"]
    childcare: EffortRate | None = None
    food: EffortRate | None = None

    @model_validator(mode="after")
    def _prices_something(self) -> "TariffEntry":
        if self.childcare is None and self.food is None:
            raise ValueError("Un tarif a une part d'accueil (childcare), une part de repas (food), ou les deux.")
        return self


class Town(Entry):
    regies: Annotated[list[RegieEntry], Field(min_length=1)]
    tariffs: list[TariffEntry]

    @field_validator("tariffs")
    @classmethod
    def _one_tariff_an_activity_and_day(cls, tariffs: list[TariffEntry]) -> list[TariffEntry]:
        begun = Counter((code, tariff.valid_from) for tariff in tariffs for code in tariff.activities)
        for (code, day), times in begun.items():
            if times > 1:
                raise ValueError(f"« {code} » a deux tarifs à partir du {day:%d/%m/%Y}.")
        return tariffs


def regie_changed(regie: Regie) -> RegieChanged:
    """The régie as it is now."""
    regie_id = named_id("regie", regie.code)
    return RegieChanged(version=regie.version, regie_id=regie_id, code=regie.code, name=regie.name)


async def load(session: AsyncSession, town: Town) -> None:
    """Insert what is absent, and tell of the régies among it."""
    regies = [regie.model_dump() | {"version": 1} for regie in town.regies]
    added = insert(Regie).values(regies).on_conflict_do_nothing().returning(Regie)
    for regie in await session.scalars(added):
        await publish(session, regie_changed(regie))
    for tariff in town.tariffs:
        rates = tariff.model_dump(mode="json", include={"childcare", "food"})
        for code in tariff.activities:
            values = {
                "id": named_id("tariff", code, str(tariff.valid_from)),
                "activity_id": named_id("activity", code),
                "valid_from": tariff.valid_from,
                **rates,
            }
            await session.execute(insert(TariffRow).values(values).on_conflict_do_nothing())
