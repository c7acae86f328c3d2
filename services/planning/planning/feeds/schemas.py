"""What is answered about the calendar feed."""

from chassis.bodies import Answer
from pydantic import AwareDatetime


class FeedAnswer(Answer):
    """Since when there is a feed; none: there is none. Its address is told once, when it is made."""

    made_at: AwareDatetime | None


class NewFeed(Answer):
    """`url` is a path at the address where this service is reached: whoever has it reads the feed. Told this once."""

    secret: str
    url: str
