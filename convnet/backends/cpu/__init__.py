"""The CPU engine: arithmetic only, one module per layer type, on Numba."""
