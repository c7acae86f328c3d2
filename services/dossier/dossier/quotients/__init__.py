"""Quotients of families: recorded by the desk, or asked for where a family has agreed to it."""
