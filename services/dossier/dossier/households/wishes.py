"""Who is to belong where: what a split, a merge, a child that moves come to, done at once or on a later day."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from uuid import UUID

from contracts.dossier import PostalAddress
from pydantic import BaseModel

#: What people and dossiers are called, by their ids.
Names = Mapping[UUID, str]


class Wish(BaseModel):
    dossier_id: UUID

    @property
    @abstractmethod
    def ids(self) -> Iterable[UUID]:
        """Of all whom it speaks of."""

    @abstractmethod
    def in_words(self, called: Names) -> str:
        """One French sentence."""


class Split(Wish):
    """That these adults of a dossier have one of their own, without an address at the same one.

    `shared`: of each child that the new dossier has, whether it stays in the other too.
    """

    adults: tuple[UUID, ...]
    shared: dict[UUID, bool]
    address: PostalAddress | None

    @property
    def ids(self) -> Iterable[UUID]:
        return self.dossier_id, *self.adults, *self.shared

    def in_words(self, called: Names) -> str:
        adults, young = (", ".join(called[one] for one in some) for some in (self.adults, self.shared))
        also = f", avec {young}" if young else ""
        return f"Le dossier {called[self.dossier_id]} se sépare : un nouveau dossier est créé pour {adults}{also}."


class Merge(Wish):
    """That a dossier be part of the other one."""

    other_id: UUID

    @property
    def ids(self) -> Iterable[UUID]:
        return self.dossier_id, self.other_id

    def in_words(self, called: Names) -> str:
        return f"Le dossier {called[self.dossier_id]} rejoint le dossier {called[self.other_id]}, et est archivé."


class Share(Wish):
    """That a child belong to a dossier, and no longer to the other one, where it leaves one."""

    child_id: UUID
    other_id: UUID | None = None

    @property
    def ids(self) -> Iterable[UUID]:
        return self.dossier_id, self.child_id, *([self.other_id] if self.other_id else [])

    def in_words(self, called: Names) -> str:
        leaves = f", et quitte le dossier {called[self.other_id]}" if self.other_id else ""
        return f"{called[self.child_id]} rejoint le dossier {called[self.dossier_id]}{leaves}."


class Leave(Wish):
    """That a child belong to a dossier no more."""

    child_id: UUID

    @property
    def ids(self) -> Iterable[UUID]:
        return self.dossier_id, self.child_id

    def in_words(self, called: Names) -> str:
        return f"{called[self.child_id]} quitte le dossier {called[self.dossier_id]}."
