"""Ratings of quality and the domain of documents, as DataMan's models give them."""
