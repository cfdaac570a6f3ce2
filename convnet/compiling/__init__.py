"""How Numba compiles kernels for the processor, and how compiled ones of any device are kept."""
