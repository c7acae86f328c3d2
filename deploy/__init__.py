"""How the parts are put together and run: the launcher, the stand-ins, the town files."""
