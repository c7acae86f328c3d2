"""What somebody does with their own account: a lost password."""
