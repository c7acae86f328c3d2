"""The places of an activity: so many a site, day and age band."""
