"""Instructions that Numba does not offer: PTX and LLVM, each with a twin for the simulator."""
