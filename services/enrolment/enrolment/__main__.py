"""`python -m enrolment api | worker | all | migrate | load FILE`."""

from chassis.command import run

from enrolment.main import SERVICE

run(SERVICE)
