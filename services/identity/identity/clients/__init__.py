"""The town's programs, and the tokens they get."""
