"""What can go wrong with servers and a stack on them."""


class LauncherError(Exception):
    """Said to the person at the terminal, who gets exit status 1."""
