"""Caffe's messages as its own proto file declares them, for the package protobuf: to write files.

Written apart from the reader's, with the real types: `data` is repeated float, types of layers are
an enumeration or a string.
"""

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int32": _F.TYPE_INT32, "int64": _F.TYPE_INT64, "uint32": _F.TYPE_UINT32, "bool": _F.TYPE_BOOL,
    "float": _F.TYPE_FLOAT, "double": _F.TYPE_DOUBLE, "string": _F.TYPE_STRING,
}  # fmt: skip
_FILE = """
BlobShape: 1 dim int64 packed
BlobProto: 1 num int32, 2 channels int32, 3 height int32, 4 width int32, 5 data float packed,
    6 diff float packed, 7 shape BlobShape, 8 double_data double packed, 9 double_diff double packed
FillerParameter: 1 type string, 2 value float, 6 std float
ParamSpec: 1 name string, 3 lr_mult float, 4 decay_mult float
ConvolutionParameter: 1 num_output uint32, 2 bias_term bool, 3 pad uint32 repeated,
    4 kernel_size uint32 repeated, 5 group uint32, 6 stride uint32 repeated,
    7 weight_filler FillerParameter, 8 bias_filler FillerParameter, 18 dilation uint32 repeated
InnerProductParameter: 1 num_output uint32, 2 bias_term bool, 3 weight_filler FillerParameter,
    4 bias_filler FillerParameter, 5 axis int32, 6 transpose bool
TransformationParameter: 1 scale float, 2 mirror bool, 3 crop_size uint32, 4 mean_file string,
    5 mean_value float repeated
LayerParameter: 1 name string, 2 type string, 3 bottom string repeated, 4 top string repeated,
    6 param ParamSpec repeated, 7 blobs BlobProto repeated,
    100 transform_param TransformationParameter, 106 convolution_param ConvolutionParameter,
    117 inner_product_param InnerProductParameter
V0LayerParameter: 1 name string, 2 type string, 3 num_output uint32, 50 blobs BlobProto repeated
V1LayerParameter: 1 layer V0LayerParameter, 2 bottom string repeated, 3 top string repeated,
    4 name string, 5 type int32, 6 blobs BlobProto repeated, 7 blobs_lr float repeated,
    10 convolution_param ConvolutionParameter, 17 inner_product_param InnerProductParameter,
    36 transform_param TransformationParameter
NetParameter: 1 name string, 2 layers V1LayerParameter repeated, 3 input string repeated,
    4 input_dim int32 repeated, 100 layer LayerParameter repeated
"""


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="written.proto", package="c", syntax="proto2")
    for line in _FILE.strip().replace("\n    ", " ").splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        for text in fields.split(", "):
            number, key, kind, *more = text.split()
            one = message.field.add(name=key, number=int(number))
            one.label = _F.LABEL_REPEATED if more else _F.LABEL_OPTIONAL
            if kind in _SCALARS:
                one.type = _SCALARS[kind]
            else:
                one.type, one.type_name = _F.TYPE_MESSAGE, f".c.{kind}"
            if more == ["packed"]:
                one.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {each.name: pool.FindMessageTypeByName(f"c.{each.name}") for each in file.message_type}
    return {name: message_factory.GetMessageClass(each) for name, each in found.items()}


CLASSES = _classes()
Net, Blob = CLASSES["NetParameter"], CLASSES["BlobProto"]


def fill(blob, array, old: bool = False) -> None:
    """Write an array into a BlobProto; old: with four numbers in place of a BlobShape."""
    if old:
        dims = (1,) * (4 - array.ndim) + array.shape
        blob.num, blob.channels, blob.height, blob.width = dims
    else:
        blob.shape.dim.extend(array.shape)
    for part in np.array_split(array.reshape(-1), -(-array.size // 1_000_000)):  # lists are large
        blob.data.extend(part.tolist())


def add_layer(net, generation: int, name: str, weights, biases, groups: int = 1) -> None:
    """Append a convolution (weights of four dimensions) or a full connection to a NetParameter."""
    layer = net.layers.add(name=name) if generation == 1 else net.layer.add(name=name)
    full = weights.ndim == 2
    if generation == 1:
        layer.type = 14 if full else 4
    else:
        layer.type = "InnerProduct" if full else "Convolution"
    layer.bottom.append("below")
    facts = layer.inner_product_param if full else layer.convolution_param
    facts.num_output, facts.weight_filler.type, facts.weight_filler.std = (
        len(weights),
        "gaussian",
        1,
    )
    if not full:
        facts.kernel_size.append(weights.shape[2])
        if groups != 1:
            facts.group = groups
    for array in (weights, biases):
        fill(layer.blobs.add(), array, old=generation == 1)
