"""Every euro received, owed or credited, in double entry."""
