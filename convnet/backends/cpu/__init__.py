"""The CPU engine, on Numba: `ops` has one module for each layer type."""
