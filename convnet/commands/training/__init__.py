"""The command `convnet train`."""
