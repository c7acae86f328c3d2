"""Dossier's own settings in a local stack: a folder of its own for documents."""

from chassis.local import Addresses


def settings(stack: Addresses) -> dict[str, str]:
    return {"DOCUMENTS": str(stack.files / "documents")}
