"""A dossier that is merged into another: its reserved days, drafts and history are the other's."""

from datetime import UTC, date, datetime

import pytest
from chassis.identifiers import new_id
from contracts.dossier import DossierChanged
from contracts.enrolment import EnrolmentChanged

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, Desk
from tests.builders import changed, sample

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)


@pytest.mark.parametrize("whole", [True, False], ids=["the dossier first", "the child first"])
async def test_the_other_dossiers_family_sees_and_changes_them(desk: Desk, whole: bool) -> None:
    desk.now_is(NOW)
    gone = await Household.enrolled(desk, "Inès")
    kept = Household(desk, site_id=gone.site_id, children=gone.children)
    await kept.is_of(new_id())
    assert (await gone.validate(gone.wish("Inès", CANTEEN, MONDAY)))[0] == 200
    seen = await kept.etag()
    merged = sample(
        DossierChanged,
        dossier_id=gone.dossier_id,
        status="archived",
        adults=(),
        merged_into=kept.dossier_id,
        version=9,
    )
    for turn in range(2):
        if whole or turn:
            await desk.hear(merged)
        await kept.tell_child("Inès", kept.dossier_id, version=9)
        if not whole:
            await desk.hear(merged)
    # Late, and of the dossier that is no more.
    late = changed(gone.enrolments["Inès", CANTEEN], version=3)
    assert isinstance(late, EnrolmentChanged)
    await desk.hear(late)
    assert await kept.etag() != seen
    status, history = await kept.history()
    assert (status, [one["by"] for one in history["items"]].count("other_family")) == (200, 0)
    assert history["items"]
    assert (await kept.validate(kept.wish("Inès", CANTEEN, MONDAY, reserve=False)))[0] == 200
    assert (await kept.validate(kept.wish("Inès", CANTEEN, TUESDAY)))[0] == 200
    assert (await gone.history())[1].get("items", []) == []
