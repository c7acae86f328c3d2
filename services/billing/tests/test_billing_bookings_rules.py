"""Who pays the invoices of a booking."""

from datetime import date

from billing.bookings.rules import payer
from chassis.identifiers import new_id
from contracts.dossier import Adult, Payer

CLAIRE, PAUL = (
    Adult(adult_id=new_id(), first_name=name, last_name="Moreau", roles=roles)
    for name, roles in (("Claire", ("legal_guardian", "payer")), ("Paul", ("legal_guardian",)))
)
MARCH = date(2027, 3, 1)


def test_who_is_said_to_pay_on_the_day_pays_else_who_has_the_role() -> None:
    said = [
        Payer(adult_id=CLAIRE.adult_id, valid_from=date(2000, 1, 1)),
        Payer(adult_id=PAUL.adult_id, valid_from=MARCH),
    ]
    assert [payer([CLAIRE, PAUL], said, day) for day in (date(2027, 2, 28), MARCH)] == [CLAIRE, PAUL]
    assert payer([CLAIRE, PAUL], [], MARCH) == CLAIRE
    assert payer([CLAIRE], said, MARCH) == CLAIRE  # the other is gone
    assert payer([PAUL], [], MARCH) is None
