"""Text repair: transforms that mend encodings and remove what is no text."""
