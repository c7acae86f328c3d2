"""`python -m dossier`."""

from chassis.command import run

from dossier.main import SERVICE

run(SERVICE)
