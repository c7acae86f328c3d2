"""`python -m toy ...`; unlike a real service it looks for dead letters all the time, since tests wait for it."""

from chassis import dead_letters
from chassis.command import run

from .main import SERVICE

dead_letters.LOOK_EVERY_S = 0.2
run(SERVICE)
