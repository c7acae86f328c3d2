"""What an account of each role of the staff has. Pure."""

from collections.abc import Sequence

from contracts.caller import CallerRole

_ONLY_SITE_STAFF = "Seul le personnel des sites (site_staff) a des sites et un code PIN."


def faults(role: CallerRole, sites: int, regies: Sequence[str], *, has_pin: bool) -> list[dict[str, str]]:
    """Each field that does not go with the role; none: all do. Site staff sign in by PIN on their sites' tablets."""
    on_tablets = role == "site_staff"
    rules = [
        (on_tablets == bool(sites), "/site_ids", "Indiquez au moins un site." if on_tablets else _ONLY_SITE_STAFF),
        (on_tablets == has_pin, "/pin", "Indiquez un code PIN." if on_tablets else _ONLY_SITE_STAFF),
        (
            not regies or role in ("cashier", "agent"),
            "/regies",
            "Seuls un régisseur (cashier) ou un agent (agent) encaissent pour des régies.",
        ),
    ]
    return [{"pointer": pointer, "detail": detail} for kept, pointer, detail in rules if not kept]
