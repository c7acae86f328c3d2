"""`python -m billing ...`: see chassis.command."""

from chassis.command import run

from billing.main import SERVICE

run(SERVICE)
