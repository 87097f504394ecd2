"""Rows that end or hang the process of the operator that is shown them: how they are found, and left out."""
