"""Pickles of arrays and plain containers, taken apart by a machine of our own that calls nothing of a stranger's."""
