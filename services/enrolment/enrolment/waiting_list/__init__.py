"""The waiting list of holiday weeks: joined while a week is full, offered each place that is freed, by priority."""
