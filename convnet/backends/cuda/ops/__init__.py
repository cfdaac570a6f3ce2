"""What the CUDA engine queues: an implementation of every operation of `convnet.operations`.

A function does no work: it returns launches of kernels, and copies.
"""
