"""What an erasure touches."""

from uuid import UUID

from chassis.bodies import Answer


class ErasureAnswer(Answer):
    """Whom it erases, or would: the dossier with its adults, and its children; those of another dossier too stay."""

    dossier_id: UUID
    number: str
    adults: int
    children_erased: list[UUID]
    children_kept: list[UUID]
    touches: list[str]
    preview: bool
