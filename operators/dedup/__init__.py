"""Removal of duplicate documents: exact, and near by MinHash."""
