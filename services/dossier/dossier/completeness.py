"""What keeps a dossier incomplete. An unknown quotient does not: it only means the highest tariff."""

from dossier.models import Dossier


def missing(dossier: Dossier) -> tuple[str, ...]:
    """What the dossier still lacks, in French, in a fixed order; empty: it is complete."""
    guardians = [adult for adult in dossier.adults if "legal_guardian" in adult.roles]
    needed = {
        "adresse postale": dossier.address is not None,
        "responsable légal": bool(guardians),
        "téléphone d'un responsable légal": any(guardian.phone for guardian in guardians),
        "payeur": any("payer" in adult.roles for adult in dossier.adults),
    }
    return tuple(label for label, present in needed.items() if not present)
