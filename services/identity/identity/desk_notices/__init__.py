"""What the services tell the desk, until somebody there has dealt with it."""
