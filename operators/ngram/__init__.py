"""N-gram language models over token ids: counting, their file, and the losses that they give."""
