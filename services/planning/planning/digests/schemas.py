"""What is taken and answered of the coming week by mail."""

from chassis.bodies import RequestBody
from pydantic import StrictBool


class WeeklyDigest(RequestBody):
    """Whether the guardian is told the coming week by mail, each Sunday at 18:00 in Paris."""

    enabled: StrictBool
