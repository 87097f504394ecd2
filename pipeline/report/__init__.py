"""Questions to a finished or unfinished run."""
