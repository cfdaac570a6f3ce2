"""The published CIFAR-10 results of cuda-convnet, trained from its own files.

`python -m examples.cifar10` trains the nets of `nets.py`, whose layer and parameter files are those
of the originals, and prints a table of their errors.  `python -m examples.cifar10.jpeg` measures
what the compression of the images costs.
"""
