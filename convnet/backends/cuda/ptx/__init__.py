"""Instructions that Numba does not offer, as PTX and LLVM, and in Python for the simulator."""
