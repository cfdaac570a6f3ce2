"""Reads pickled data sets and models without executing anything in the files."""
