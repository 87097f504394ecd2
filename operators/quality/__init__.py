"""Filters by what a document looks like: one published rule set a module."""
