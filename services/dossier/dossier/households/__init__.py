"""Households: who belongs to which dossier, as an agent records it."""
