"""How Numba compiles the CPU's kernels, and how compiled kernels of every device are cached."""
