"""A family new in town asks for a dossier, and an agent decides."""
