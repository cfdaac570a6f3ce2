"""The operations of the CUDA engine, under the same names as those of the CPU engine."""
