"""What a search answers."""

from uuid import UUID

from chassis.bodies import Answer
from contracts.dossier import PostalAddress

from dossier.models import DossierStatus
from dossier.schemas import Person


class FoundDossier(Answer):
    id: UUID
    number: str
    status: DossierStatus
    address: PostalAddress | None
    adults: list[Person]
    children: list[Person]
