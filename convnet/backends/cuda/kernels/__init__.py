"""Kernels and device functions that several operations of the CUDA engine share."""
