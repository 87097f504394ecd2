"""Packing: token lists into rows of one fixed length."""
