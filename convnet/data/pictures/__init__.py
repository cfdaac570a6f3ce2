"""Folders of pictures: listed, decoded and brought to one size, for `--data` and make-data."""
