"""Trained networks for other programs: ONNX, PyTorch, and arrays under documented names.

    model    what is exported: a graph, the arrays of its checkpoint, the record of its input
    walk     which nodes are written and in which order, the inputs and the outputs of the result;
             refuses what has no exact form
    windows  where windows lie along an axis, and the pixels to add or drop so that all are whole
    facts    what every format stores beside the arrays: spec files, classes, preprocessing

    arrays   `npz` and `safetensors`: weights and biases, filters first
    to_onnx  `onnx`: one graph, a batch of any size
    to_torch `torch`: net.py, one `torch.nn.Module` as text, and its weights

A network runs as in a test.  Costs are not exported, since they have no outputs: the values that
they read are the outputs of the exported network, unless others are named.  Replicas and layers on
several devices become one graph; a copy between devices remains only where it rounds (`quantF`).

`to_onnx` and `to_torch` have the same structure.  A table maps each layer type to a rule, a
function `rule(builder, node, values)` that writes one node and returns its output; rules of related
types are in one module.  A `Value` is a name in the exported network with the shape of a case.  The
builder reshapes it where a layer sees its input in another shape (docs/dialect.md, 3).  A type
without a rule is refused by its name, as is whatever samples at random in tests.

Nothing here runs a network or needs Numba, and of PyTorch only text is written.
"""
