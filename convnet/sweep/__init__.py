"""Sweeps: a run for each combination of values and each seed, and what became of them."""
