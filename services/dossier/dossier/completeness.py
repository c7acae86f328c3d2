"""What keeps a dossier incomplete, as the town's description has it.

An unknown quotient does not: it only means the highest tariff.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from contracts.dossier import PostalAddress, Role

#: What a town may ask for beside a legal guardian and a payer: of the dossier, of one of its guardians, of each child.
Field = Literal["address", "phone", "email", "school", "consents"]
USUAL: tuple[Field, ...] = ("address", "phone")
#: A consent is one of the three questions about a child, answered by yes or by no.
CONSENTS = 3


@dataclass(frozen=True)
class DocumentNeed:
    """A kind of document that the desk must have accepted; what is about `health` is named to nobody else."""

    code: str
    name: str
    of_child: bool
    health: bool


@dataclass(frozen=True)
class Needs:
    fields: Collection[str] = USUAL
    documents: Sequence[DocumentNeed] = ()
    certification: bool = False


class Adult(Protocol):
    @property
    def roles(self) -> Sequence[Role]: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...


class Year(Protocol):
    @property
    def school_year(self) -> str: ...


class Child(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def first_name(self) -> str: ...
    @property
    def schooling(self) -> Sequence[Year]: ...
    @property
    def consents(self) -> Sequence[object]: ...


class Family(Protocol):
    @property
    def address(self) -> PostalAddress | None: ...
    @property
    def adults(self) -> Sequence[Adult]: ...
    @property
    def children(self) -> Sequence[Child]: ...
    @property
    def certifications(self) -> Sequence[Year]: ...


def missing(
    family: Family, needs: Needs, shown: Collection[tuple[str, UUID | None]], school_year: str
) -> tuple[str, ...]:
    """What a dossier still lacks, in French, in a fixed order; empty: it is complete.

    `shown` are the documents that are accepted and still good: the code, and the child that it is of.
    """
    return tuple(
        dict.fromkeys(
            (
                *_of_family(family, needs.fields),
                *(lack for child in family.children for lack in _of_child(child, needs.fields, school_year)),
                *_documents(family.children, needs.documents, shown),
                *_certified(family.certifications, needs, school_year),
            )
        )
    )


def _of_family(family: Family, fields: Collection[str]) -> Iterator[str]:
    guardians = [adult for adult in family.adults if "legal_guardian" in adult.roles]
    if "address" in fields and family.address is None:
        yield "adresse postale"
    if not guardians:
        yield "responsable légal"
    if "phone" in fields and not any(guardian.phone for guardian in guardians):
        yield "téléphone d'un responsable légal"
    if "email" in fields and not any(guardian.email for guardian in guardians):
        yield "courriel d'un responsable légal"
    if not any("payer" in adult.roles for adult in family.adults):
        yield "payeur"


def _of_child(child: Child, fields: Collection[str], school_year: str) -> Iterator[str]:
    if "school" in fields and all(one.school_year != school_year for one in child.schooling):
        yield f"école pour {child.first_name}"
    if "consents" in fields and len(child.consents) < CONSENTS:
        yield f"autorisations pour {child.first_name}"


def _documents(
    children: Iterable[Child], needed: Iterable[DocumentNeed], shown: Collection[tuple[str, UUID | None]]
) -> Iterator[str]:
    children = list(children)
    for one in needed:
        name = "document demandé par la ville" if one.health else one.name[:1].lower() + one.name[1:]
        if not one.of_child:
            if (one.code, None) not in shown:
                yield name
        else:
            yield from (f"{name} pour {child.first_name}" for child in children if (one.code, child.id) not in shown)


def _certified(certifications: Iterable[Year], needs: Needs, school_year: str) -> Iterator[str]:
    if needs.certification and all(one.school_year != school_year for one in certifications):
        yield f"certification pour l'année scolaire {school_year}"
