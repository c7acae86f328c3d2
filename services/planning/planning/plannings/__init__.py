"""A family's month: read, and validated."""
