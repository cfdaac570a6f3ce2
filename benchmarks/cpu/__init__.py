"""The CPU engine beside PyTorch: `python -m benchmarks.cpu`, or `make bench`."""
