"""`python -m planning`."""

from chassis.command import run

from planning.main import SERVICE

run(SERVICE)
