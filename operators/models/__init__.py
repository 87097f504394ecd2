"""What operators that run neural models share, and those that score any document with any such model."""
