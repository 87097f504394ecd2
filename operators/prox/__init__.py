"""ProX: documents refined by programs, and who writes them."""
