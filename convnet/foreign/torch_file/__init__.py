"""PyTorch's state_dict files, read without PyTorch and without executing anything in them.

tensors   storages and tensors as the pickle describes them
pickled   the restricted reader of that pickle
read      the two forms of the file: a zip archive, and pickles followed by raw values
"""

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of the older form begin: a pickle of one number."""
