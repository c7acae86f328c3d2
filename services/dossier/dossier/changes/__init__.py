"""What families change of their dossier: at once, or by a request that an agent decides."""
