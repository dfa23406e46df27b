"""Whole networks: every layer solved once and kept, bit-widths searched, results as plain data."""
