"""Mixing: how often documents of each source are taken, in which order, and which of them are held out."""
