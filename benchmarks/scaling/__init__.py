"""Predictions of how training scales to many devices: `python -m benchmarks.scaling`."""
