"""The CUDA engine.  Nothing here is imported unless a CUDA device is asked for."""
