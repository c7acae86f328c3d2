"""Messages to families and to the desk, by mail or by letter."""
