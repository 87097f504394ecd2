"""Which language a document is in, and filters by it."""
