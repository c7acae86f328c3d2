"""Told again: every dossier, quotient and child as it was told last, and who is erased."""

import pytest
from chassis.database import Database
from chassis.erasure import erase
from chassis.identifiers import new_id
from chassis.service import Service
from contracts.dossier import ChildErased, DossierErased
from dossier.models import Base

from services.dossier.tests.villeneuve import activated, hear
from tests.republishing import republish


@pytest.mark.usefixtures("loaded")
async def test_what_others_keep_is_told_as_it_was_told_last(
    service: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.republishing.BATCH", 2)
    await hear(database, activated("claire@example.org"))
    gone, child = new_id(), new_id()
    async with database.sessions.begin() as session:
        await erase(session, Base.metadata, "dossier", gone)
        await erase(session, Base.metadata, "child", child)
    before, again = await republish(service, database)
    assert {kind for kind, _ in before} == {f"dossier.{what}_changed" for what in ("dossier", "child", "quotient")}
    erased = [DossierErased(version=1, dossier_id=gone), ChildErased(version=1, child_id=child)]
    assert again == before | {(one.type, one.subject): one for one in erased}
    assert (await republish(service, database))[1] == again
