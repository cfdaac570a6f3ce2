"""Convolutional networks declared in two text files, in the style of cuda-convnet."""
