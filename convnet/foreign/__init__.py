"""Weights of other frameworks' files, and how they get into a network of ours (docs/importing.md).

contents     what every reader returns: layers with weights, filters first
formats      the table of formats: how a file is recognized, and its reader
torch_file   PyTorch's state_dict files
array_files  safetensors and npz files of any origin;  state_dict: layers from names of arrays
exported     files that `convnet export` wrote
decaf        DeCAF's networks, and the pickled layers of cuda-convnet that it shipped
targets      our layers with weights, as places for those of a file
matching     which layer of a file goes where: by a map file, by name, or by order
fitting      arrays in our layout, exactly those of the file
inputs       what the first layer expects: colors, mean and scale
"""
