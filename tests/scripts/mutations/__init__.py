"""Defects to inject into kernels, host code and the emulator, and what finds each."""
