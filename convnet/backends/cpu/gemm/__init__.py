"""Convolutions and full connections as matrix products, on one microkernel."""
