"""What somebody does with their own account: passwords lost and changed, another email, their sessions."""
