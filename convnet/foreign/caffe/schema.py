"""The messages of Caffe's files that are read here, for the package protobuf.

Field numbers and types are those of caffe.proto.  Fields that are not listed are skipped.  Texts
are read as bytes, because Caffe does not check that they are UTF-8; `data` and `double_data` hold
numbers of runs of values (wire.py).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from convnet.errors import ConvnetError
from convnet.foreign.protobuf_wire import Malformed

MISSING = (
    "reading Caffe's files needs the package protobuf: install convnet with its extra, "
    '`pip install "convnet[caffe]"`'
)

# Message -> field -> its number and type; a type with * is repeated.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BlobShape": {"dim": (1, "int64*")},
    "BlobProto": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        "data": (5, "uint64*"),
        "shape": (7, "BlobShape"),
        "double_data": (8, "uint64*"),
    },
    "ConvolutionParameter": {
        "num_output": (1, "uint32"),
        "group": (5, "uint32"),
        "dilation": (18, "uint32*"),
    },
    "InnerProductParameter": {
        "num_output": (1, "uint32"),
        "axis": (5, "int32"),
        "transpose": (6, "bool"),
    },
    "TransformationParameter": {
        "scale": (1, "float"),
        "crop_size": (3, "uint32"),
        "mean_file": (4, "bytes"),
        "mean_value": (5, "float*"),
    },
    "LayerParameter": {
        "name": (1, "bytes"),
        "type": (2, "bytes"),
        "blobs": (7, "BlobProto*"),
        "transform_param": (100, "TransformationParameter"),
        "convolution_param": (106, "ConvolutionParameter"),
        "inner_product_param": (117, "InnerProductParameter"),
    },
    "V0LayerParameter": {"name": (1, "bytes")},
    "V1LayerParameter": {
        "layer": (1, "V0LayerParameter"),
        "name": (4, "bytes"),
        "type": (5, "int32"),  # an enumeration
        "blobs": (6, "BlobProto*"),
        "convolution_param": (10, "ConvolutionParameter"),
        "inner_product_param": (17, "InnerProductParameter"),
        "transform_param": (36, "TransformationParameter"),
    },
    "NetParameter": {
        "name": (1, "bytes"),
        "layers": (2, "V1LayerParameter*"),
        "layer": (100, "LayerParameter*"),
    },
}


def parsed(name: str, structure: bytes) -> Any:
    """Return a message of that name.

    Raises Malformed if it cannot be parsed, ConvnetError if the package protobuf is missing.
    """
    message = _classes()[name]()
    try:
        message.ParseFromString(structure)
    except _decode_error():
        raise Malformed("it is no protocol buffer") from None
    return message


def _decode_error() -> type[Exception]:
    from google.protobuf.message import DecodeError

    found: type[Exception] = DecodeError
    return found


@cache
def _classes() -> dict[str, Any]:
    """The classes of the messages, in a pool of their own: Caffe's may be loaded too."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        raise ConvnetError(MISSING) from None
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            one = message.field.add(name=key, number=number)
            repeated, kind = kind.endswith("*"), kind.removesuffix("*")
            one.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in _MESSAGES:
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".caffe.{kind}"
            else:
                one.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"caffe.{name}") for name in _MESSAGES}
    return {name: message_factory.GetMessageClass(each) for name, each in found.items()}
