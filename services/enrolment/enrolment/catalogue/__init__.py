"""What a town offers: sites, activities, and holiday weeks with their places."""
