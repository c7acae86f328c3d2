"""Prices promised for half an hour."""
