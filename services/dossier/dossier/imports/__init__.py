"""Families by the thousand, from a CSV file and into one."""
