"""`python -m toy ...`"""

from chassis.command import run

from .main import SERVICE

run(SERVICE)
