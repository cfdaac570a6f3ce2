"""Measurements beside PyTorch: `python -m benchmarks.cpu`.  Not part of the package."""
