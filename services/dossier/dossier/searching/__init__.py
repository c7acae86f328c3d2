"""Families found by what an agent remembers of them."""
