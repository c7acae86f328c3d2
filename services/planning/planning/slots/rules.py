"""How many places an activity has on a day, by the age of the children and where they are. Pure."""

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt


def _youngest_first(given: list[int]) -> list[int]:
    if given[0] > given[1]:
        raise ValueError("L'âge le plus bas vient en premier.")
    return given


#: The youngest and the oldest.
Ages = Annotated[
    list[Annotated[StrictInt, Field(ge=0, le=25)]],
    Field(min_length=2, max_length=2),
    AfterValidator(_youngest_first),
]
#: Where children are counted whose site is not known.
NOWHERE = UUID(int=0)
Places = Annotated[StrictInt, Field(ge=0, le=100_000)]


class Band(BaseModel):
    """So many places each day for children of these ages: at that site, or at each (none) that has no band of its own
    for their age."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ages: Ages
    places: Places
    site_id: UUID | None = None

    @property
    def key(self) -> str:
        """What names it among those of its site: « 3-5 »."""
        return "-".join(map(str, self.ages))

    def in_words(self) -> str:
        """« de 3 à 5 ans »"""
        return f"de {self.ages[0]} à {self.ages[1]} ans"

    def holds(self, age: int) -> bool:
        return self.ages[0] <= age <= self.ages[1]


def apart(bands: list[Band]) -> list[Band]:
    """The bands, of which no two of one site share an age; raises ValueError, with a sentence in French."""
    for one, other in combinations(bands, 2):
        if one.site_id == other.site_id and one.ages[0] <= other.ages[1] and other.ages[0] <= one.ages[1]:
            both = f"{one.in_words()}, {other.in_words()}"
            raise ValueError(f"Deux tranches d'âge se chevauchent : {both}.")
    return bands


Bands = Annotated[list[Band], Field(max_length=500), AfterValidator(apart)]


def band_of(bands: Sequence[Band], site_id: UUID | None, age: int) -> Band | None:
    """Where a child of that age takes a place at that site: its own band goes before that of every site; none: places
    are not counted."""
    held = [band for band in bands if band.site_id in (None, site_id) and band.holds(age)]
    return max(held, key=lambda band: band.site_id is not None, default=None)
