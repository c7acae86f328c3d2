"""How fast anybody may guess, and who waits for whom."""
