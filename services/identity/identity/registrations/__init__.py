"""From a dossier's proof, or an agent's help, to an active account: claims, link requests, legal texts, activation."""
