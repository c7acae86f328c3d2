"""Numbered documents, where each stands, and what is paid of it, wherever they came from."""
