"""Scorers trained from labels, and judged on documents that they have not seen."""
