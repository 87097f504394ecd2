"""fastText classifiers: their file format, inference by kernels, a scorer and a trainer."""
