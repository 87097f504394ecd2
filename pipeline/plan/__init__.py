"""What is to be done, in which order: pure data, checked and printed without running."""
