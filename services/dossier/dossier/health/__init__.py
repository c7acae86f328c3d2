"""What must be known of a child's health: sealed in the database, each read of it logged."""
