"""`python -m identity api | worker | all | migrate | load FILE | rotate-keys`."""

from chassis.command import run

from identity.main import SERVICE

if __name__ == "__main__":
    run(SERVICE)
