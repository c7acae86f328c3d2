"""Whose things a caller may touch: none is nobody's, never everybody's."""

from typing import Any

import pytest
from chassis.identifiers import new_id
from chassis.problems import Forbidden, Malformed
from chassis.reach import Reach

OURS, THEIRS = new_id(), new_id()


def reach(role: str, **claims: Any) -> Reach:
    return Reach.model_validate({"sub": new_id(), "role": role} | claims)


def test_a_guardian_covers_their_own_dossier_alone() -> None:
    guardian = reach("guardian", dossier_id=OURS)
    assert guardian.covers(OURS)
    assert not guardian.covers(THEIRS)


@pytest.mark.parametrize("role", ["agent", "cashier", "administrator"])
def test_the_staff_covers_every_dossier(role: str) -> None:
    assert reach(role).covers(THEIRS)


@pytest.mark.parametrize("role", ["site_staff", "integrator"])
def test_who_looks_after_children_or_is_a_program_covers_no_dossier(role: str) -> None:
    assert not reach(role, site_ids=[OURS], scope="meals:read").covers(OURS)


@pytest.mark.parametrize("role", ["guardian", "agent", "site_staff"])
def test_nothing_is_covered_by_naming_nothing(role: str) -> None:
    nobody = reach(role)
    assert not nobody.covers(None)
    assert not nobody.covers_site(None)
    assert not nobody.covers_regie(None)


def test_site_staff_covers_its_sites_alone() -> None:
    animator = reach("site_staff", site_ids=[OURS])
    assert animator.covers_site(OURS)
    assert not animator.covers_site(THEIRS)


def test_a_cashier_covers_their_regies_alone() -> None:
    cashier = reach("cashier", regies=["ENFANCE"])
    assert cashier.covers_regie("ENFANCE")
    assert not cashier.covers_regie("AUTRE")
    assert not reach("administrator").covers_regie("ENFANCE")


def test_a_guardian_acts_for_their_own_dossier_and_does_not_name_it() -> None:
    guardian = reach("guardian", dossier_id=OURS)
    acting = guardian.acting(None)
    assert (acting.dossier_id, acting.at_desk) == (OURS, False)
    for named in (
        {"dossier_id": THEIRS},
        {"dossier_id": OURS},
        {"dossier_id": None, "override_reason": "Non"},
    ):
        with pytest.raises(Malformed):
            guardian.acting(**named)
    with pytest.raises(Forbidden):
        reach("guardian").acting(None)


def test_the_desk_names_the_dossier_and_may_say_why_it_bypasses_a_rule() -> None:
    agent = reach("agent")
    acting = agent.acting(THEIRS, "Décision du maire")
    assert (acting.dossier_id, acting.override_reason, acting.at_desk) == (THEIRS, "Décision du maire", True)
    with pytest.raises(Malformed):
        agent.acting(None)
