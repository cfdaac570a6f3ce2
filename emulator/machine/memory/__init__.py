"""Memory of devices, thread blocks and threads; the checks of accesses; asynchronous copies."""
