"""Kernels and helpers that several operations of the CPU engine share."""
