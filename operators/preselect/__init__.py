"""PreSelect: documents are chosen whose losses order models as benchmarks do, by a classifier that learnt from them."""
