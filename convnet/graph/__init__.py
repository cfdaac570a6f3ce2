"""From sections to a graph of layers with shapes and devices.  Allocates no arrays."""
