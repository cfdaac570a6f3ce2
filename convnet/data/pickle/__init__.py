"""Reads the pickles that data sets and models are published in, without running anything."""
