"""Formats of trainers: one writer a file, from the token store or from packed rows."""
