"""Perplexity under n-gram language models, and what is selected by it."""
