"""CUDA GPUs emulated on the CPU: unmodified programs run the PTX of their kernels, checked."""
