"""Predictions for a user's own pictures, from a checkpoint alone.

`find_pictures` lists image files, `Pictures` is a data set of them that makes the network's input
as the checkpoint's input record says, and `Predictor` runs a network on it.
"""
