"""PyTorch's state_dict files, read without PyTorch and without executing anything in them.

tensors   storages and tensors as the pickle describes them
pickled   the restricted reader of that pickle
read      the two forms of the file: a zip archive, and pickles followed by raw values
"""
