"""Kernels over the UTF-8 bytes and offsets of Arrow text, which operators share."""
