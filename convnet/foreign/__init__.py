"""Read the weights of networks that other frameworks trained.

Each reader returns a `ForeignFile`: its layers in order, in one layout for all formats.
"""
