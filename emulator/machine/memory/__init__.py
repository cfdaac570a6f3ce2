"""Memory of devices, of thread blocks and of threads; the checks of accesses; asynchronous copies."""
