"""What PayFiP knows of a payment and when: formats, results, the page's fifteen minutes, the night's cleaning."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from french.paris import PARIS, day_in_paris

from .soap import OPERATIONS, SoapError

# card paid, direct debit accepted, abandoned, card refused, direct debit refused
RESULTS = ("P", "V", "A", "R", "Z")
PAID = ("P", "V")
PAGE_OPENS_FOR = timedelta(minutes=15)
RESULT_KEPT_FOR = timedelta(days=365)

WORDS = {
    "A1": "Adresse mél non renseignée.",
    "A2": "Adresse mél incorrecte.",
    "D1": "URL de redirection non valide.",
    "M1": "Le format du montant n'est pas correct.",
    "M3": "Le montant est inférieur au minimum d'un euro.",
    "M5": "Le montant dépasse la limite autorisée.",
    "N1": "URL de notification non valide.",
    "P1": "IdOp incorrect.",
    "P3": "L'idOp a déjà été utilisé pour un paiement.",
    "P4": "L'idOp a été enregistré depuis plus de 15 minutes.",
    "P5": "Résultat de la transaction non connu.",
    "R3": "Le format du paramètre REFDET n'est pas conforme.",
    "S1": "Mode de saisie non valide.",
    "T1": "Numéro de client incorrect.",
    "T2": "Numéro de client inconnu.",
    "T4": "Le client n'a pas d'accès sécurisé.",
    "999": "Erreur technique.",
}
CLIENT_NUMBER = r"[0-9]{6}"
WEB_ADDRESS = r"https?://[^\s/]\S*"
# (field, the whole of it, the code where it is not so), in the order in which they are looked at. No source names a
# code for EXER and OBJET: they break the protocol.
FORMATS = (
    ("numcli", CLIENT_NUMBER, "T1"),
    ("exer", r"[0-9]{4}", ""),
    ("refdet", r"[A-Za-z0-9]{6,30}", "R3"),
    ("objet", r"[A-Za-z0-9 ]{0,100}", ""),
    ("montant", r"[0-9]+", "M1"),
    ("montant", r"0*[1-9][0-9]{2,}", "M3"),
    ("montant", r"0*[0-9]{1,7}", "M5"),
    ("mel", r".+", "A1"),
    ("mel", r"(?=.{6,80}$)[^@\s]+@[^@\s]+", "A2"),
    ("saisie", r"[TXW]", "S1"),
    ("urlnotif", WEB_ADDRESS, "N1"),
    ("urlredirect", WEB_ADDRESS, "D1"),
)


def refused(code: str) -> SoapError:
    """The functional fault of that code."""
    return SoapError("FonctionnelleErreur", code, WORDS.get(code, "Erreur fonctionnelle."))


def check_formats(request: Mapping[str, str]) -> None:
    """Raises SoapError for the first field that is missing or out of format."""
    for name, form, code in FORMATS:
        if not re.fullmatch(form, request.get(name, "")):
            if code:
                raise refused(code)
            raise SoapError("TechProtocolaireErreur", "", f"Paramètre {name.upper()} incorrect.")


def describe_client(numcli: str) -> dict[str, str]:
    """The fields of recupererDetailClient. Raises SoapError T1 when it is no client number."""
    if not re.fullmatch(CLIENT_NUMBER, numcli):
        raise refused("T1")
    return {"numcli": numcli, "libelleN1": "Commune de démonstration", "libelleN2": f"Régie {numcli}", "libelleN3": ""}


@dataclass
class Payment:
    """A payment as it was asked for, and what became of it. `request` holds the nine fields as they were sent."""

    request: dict[str, str]
    created_at: datetime
    idop: str = field(default_factory=lambda: str(uuid4()))
    result: str | None = None
    decided_at: datetime | None = None
    reported_cents: int | None = None
    asked: int = 0

    def decide(self, result: str, now: datetime, reported_cents: int | None = None) -> None:
        """Give it a result, which a later one may replace: a direct debit accepted, then refused."""
        self.result, self.decided_at, self.reported_cents = result, now, reported_cents

    def is_deleted(self, now: datetime) -> bool:
        """Unused ones go with the first night in Paris, the others after a year."""
        if self.decided_at:
            return now >= self.decided_at + RESULT_KEPT_FOR
        return day_in_paris(now) > day_in_paris(self.created_at)

    def is_used(self) -> bool:
        """It has ended for good; one that was abandoned may be tried again."""
        return self.result not in (None, "A")

    def opens_page(self, now: datetime) -> bool:
        """The page can be opened; who has it open may end later."""
        return now < self.created_at + PAGE_OPENS_FOR

    def detail(self) -> dict[str, str]:
        """Every field that recupererDetailPaiementSecurise may show. Raises SoapError P5 until there is a result."""
        if not self.result or not self.decided_at:
            raise refused("P5")
        local = self.decided_at.astimezone(PARIS)
        detail = {
            **self.request,
            "idOp": self.idop,
            "resultrans": self.result,
            "dattrans": f"{local:%d%m%Y}",
            "heurtrans": f"{local:%H%M}",
        }
        if self.result in PAID:
            detail["numauto"] = self.idop[:8].upper()
        if self.reported_cents is not None:
            detail["montant"] = str(self.reported_cents)
        return detail

    def as_json(self) -> dict[str, str | int | None]:
        """What tests read of it: the fields as sent but `montant`, in cents as a number; how often it was asked for."""
        sent = {name: self.request.get(name) for name in OPERATIONS["creerPaiementSecurise"][1]}
        montant = int(self.request["montant"])
        return {**sent, "idop": self.idop, "montant": montant, "result": self.result, "asked": self.asked}
