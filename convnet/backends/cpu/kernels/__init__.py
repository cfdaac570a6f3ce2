"""Inner loops and device functions that several operations of the CPU engine share."""
