"""Places in holiday weeks: held, confirmed, paid for, cancelled, lapsed and revived."""
