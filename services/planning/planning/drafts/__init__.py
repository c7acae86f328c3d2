"""Drafts: what a guardian would change in a month, kept until they validate it. Nothing is reserved by it."""
