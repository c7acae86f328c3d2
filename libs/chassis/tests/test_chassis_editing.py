"""Who edits says which version they have seen."""

import pytest
from chassis.editing import IfMatchMissing, Seen, Stale, etag


@pytest.mark.parametrize("header", ['"3"', '"2", "3"', ' "3" '])
def test_who_has_seen_the_newest_version_may_go_on(header: str) -> None:
    Seen(header).refuse_if_older(3)
    assert etag(3) in header


@pytest.mark.parametrize("header", ['"2"', '"33"', "3", 'W/"3"', "*", '""'])
def test_who_has_not_is_refused(header: str) -> None:
    with pytest.raises(Stale):
        Seen(header).refuse_if_older(3)


@pytest.mark.parametrize("header", [None, ""])
def test_who_says_nothing_is_asked_to(header: str | None) -> None:
    with pytest.raises(IfMatchMissing):
        Seen(header)
