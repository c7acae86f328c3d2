"""What a caller may touch: one frozen value, made at the edge from the verified token, that use cases take."""

from dataclasses import dataclass
from uuid import UUID

from contracts.caller import Caller, CallerRole

from chassis.problems import Forbidden, Malformed

#: Who serves every family of the town.
_STAFF: frozenset[CallerRole] = frozenset({"agent", "cashier", "administrator"})


class Reach(Caller):
    """The caller of a token, and whose things they may touch. What is nobody's is not covered either.

    Which routes a role may call at all is the route's policy; this says whose things it may name there.
    """

    @property
    def at_desk(self) -> bool:
        """Whether they act for families, not as one."""
        return self.role != "guardian"

    def covers(self, dossier_id: UUID | None) -> bool:
        """Whether that family's things are theirs to see: a guardian's own dossier's, every family's for the staff."""
        return dossier_id is not None and (self.role in _STAFF or dossier_id == self.dossier_id)

    def covers_site(self, site_id: UUID | None) -> bool:
        """Whether that site's children are theirs to look after: an animator's sites, every site for the staff."""
        return site_id is not None and (self.role in _STAFF or site_id in self.site_ids)

    def covers_regie(self, code: str | None) -> bool:
        """Whether they collect for that régie."""
        return code is not None and code in self.regies

    def acting(self, dossier_id: UUID | None, override_reason: str | None = None) -> "Acting":
        """The dossier acted for: a guardian's own, which they never name; the one that the staff names.

        Raises Malformed (named by a guardian, or by nobody), Forbidden (a guardian of no dossier).
        """
        if self.role in _STAFF:
            if dossier_id is None:
                raise Malformed(errors=[{"pointer": "/dossier_id", "detail": "Indiquez le dossier de la famille."}])
            return Acting(self, dossier_id, override_reason)
        named = {"dossier_id": dossier_id, "override_reason": override_reason}
        if errors := [
            {"pointer": f"/{name}", "detail": "Ce champ est réservé au guichet."} for name in named if named[name]
        ]:
            raise Malformed(errors=errors)
        if self.dossier_id is None:
            raise Forbidden
        return Acting(self, self.dossier_id)


@dataclass(frozen=True)
class Acting:
    """Who acts for which dossier; `override_reason` is why the desk bypasses a rule, kept with what it does."""

    by: Reach
    dossier_id: UUID
    override_reason: str | None = None

    @property
    def at_desk(self) -> bool:
        return self.by.at_desk
