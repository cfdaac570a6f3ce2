"""What the CPU engine runs: an implementation of every operation of `convnet.operations`."""
