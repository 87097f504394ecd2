"""Selection: thresholds over a whole pool, and the filters that apply them."""
