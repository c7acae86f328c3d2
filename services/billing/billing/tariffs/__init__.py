"""What a day of an activity costs."""
