"""Convolutions and full connections as tiled matrix products."""
