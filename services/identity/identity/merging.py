"""A dossier merged into another: accounts follow their guardians (own_account.following), late messages the dossier."""

from chassis.merging import Merging

MERGING = Merging(())
