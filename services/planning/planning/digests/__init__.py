"""The coming week by mail, each Sunday, for the guardians who ask for it."""
