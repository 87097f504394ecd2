"""Filtering of documents by the address that they come from."""
