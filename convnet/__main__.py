"""`python -m convnet` is the command `convnet`."""

from convnet.cli import main

main()
