"""A service in small, for the chassis's own tests: things made by request, quotients heard of by event."""
