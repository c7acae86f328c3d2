"""What billing takes from a town's description: régies and tariffs."""

from collections.abc import Mapping
from typing import Any

from chassis.identifiers import named_id
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.models import Regie, TariffRow
from billing.tariffs import EffortRate


async def load(session: AsyncSession, town: Mapping[str, Any]) -> None:
    """Insert what is absent. Raises ValueError for a tariff that this service cannot apply."""
    for regie in town["regies"]:
        values = {name: regie[name] for name in ("code", "name", "numcli")}
        await session.execute(insert(Regie).values(values).on_conflict_do_nothing())
    for tariff in town["tariffs"]:
        if tariff["unit"] != "day":
            raise ValueError(f"Tariff of {tariff['activities']}: the only unit so far is the day.")
        rates = {
            part: EffortRate.model_validate(tariff[part]).model_dump(mode="json") if part in tariff else None
            for part in ("childcare", "food")
        }
        for code in tariff["activities"]:
            values = {
                "id": named_id("tariff", code, str(tariff["from"])),
                "activity_id": named_id("activity", code),
                "valid_from": tariff["from"],
                **rates,
            }
            await session.execute(insert(TariffRow).values(values).on_conflict_do_nothing())
