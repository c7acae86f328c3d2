"""Stand-ins for what lies outside the town's system: PayFiP and the mail server. Nothing is kept after a stop."""
