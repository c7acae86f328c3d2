"""The calendar feed: a family's reserved days, behind a secret address, for the calendar of their telephone."""
