"""Personal data and secrets in text: found by kernels, replaced by placeholders."""
