"""Whose pages are whose: the roles of identity's accounts that sign in here."""

FAMILIES = ("guardian",)
AGENTS = ("agent",)
ADMINISTRATORS = ("administrator",)
CASHIERS = ("cashier",)
#: The staff that work at a desk, each with their own rubrics.
DESK = ("agent", "cashier", "administrator")
ANYBODY = (*FAMILIES, *DESK)
