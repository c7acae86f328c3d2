"""What an account reads on the portal, and which mails it wants besides."""
