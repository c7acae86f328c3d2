"""`python -m deploy.containers secrets | demo`: what the Makefile calls."""

import typer

from deploy.containers import demo as demonstration
from deploy.containers import secrets as files
from deploy.local.errors import console, reported
from deploy.servers.processes import ROOT

SECRETS = ROOT / ".secrets"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def secrets() -> None:
    """Make the secrets that are missing in .secrets."""
    with reported(when_interrupted=1):
        made = files.write(SECRETS)
    console.print(f"{SECRETS.name}: {', '.join(made) or 'nothing is missing'}")


@app.command()
def demo() -> None:
    """Play the first journey on containers."""
    with reported(when_interrupted=1):
        demonstration.demo()


if __name__ == "__main__":
    app()
