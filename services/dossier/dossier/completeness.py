"""What keeps a dossier incomplete. An unknown quotient does not: it only means the highest tariff."""

from collections.abc import Collection, Sequence
from typing import Protocol

from contracts.dossier import PostalAddress, Role


class Adult(Protocol):
    @property
    def roles(self) -> Sequence[Role]: ...

    @property
    def phone(self) -> str | None: ...


def missing(address: PostalAddress | None, adults: Collection[Adult]) -> tuple[str, ...]:
    """What a dossier still lacks, in French, in a fixed order; empty: it is complete."""
    guardians = [adult for adult in adults if "legal_guardian" in adult.roles]
    needed = {
        "adresse postale": address is not None,
        "responsable légal": bool(guardians),
        "téléphone d'un responsable légal": any(guardian.phone for guardian in guardians),
        "payeur": any("payer" in adult.roles for adult in adults),
    }
    return tuple(label for label, present in needed.items() if not present)
