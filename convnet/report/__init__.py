"""Descriptions of networks, documentation of layer types, and pictures of runs."""
