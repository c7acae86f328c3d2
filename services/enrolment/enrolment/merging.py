"""A family whose dossier is merged into another: its bookings, enrolments and places in line are the other's."""

from chassis.merging import Merging

MERGING = Merging(("bookings", "enrolments", "waiting_entries"))
