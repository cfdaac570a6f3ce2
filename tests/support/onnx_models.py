"""Small ONNX models for tests, written with onnx's helpers."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

_BITS = {"float16": (TensorProto.FLOAT16, np.float16), "bfloat16": (TensorProto.BFLOAT16, None)}


def filled(*shape) -> np.ndarray:
    """Distinct float32 values, exact in 16-bit floats too where there are few."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 4 - 3


def tensor(name: str, values, kind: str = "", raw: bool = True) -> TensorProto:
    """A tensor.  kind: float32, float64, float16, bfloat16.  raw: as bytes, not as a list."""
    if not kind:
        return numpy_helper.from_array(np.ascontiguousarray(values), name)
    if kind in ("float32", "float64"):
        number = TensorProto.FLOAT if kind == "float32" else TensorProto.DOUBLE
        data = np.asarray(values, kind)
        given = data.tobytes() if raw else data.ravel().tolist()
        return helper.make_tensor(name, number, values.shape, given, raw)
    number, half = _BITS[kind]
    bits = values.astype(half).view("<u2") if half else (values.view("<u4") >> 16).astype("<u2")
    found = TensorProto(name=name, data_type=number, dims=values.shape)
    if raw:
        found.raw_data = bits.tobytes()
    else:
        found.int32_data[:] = bits.ravel().tolist()
    return found


class Model:
    """Collects operators and tensors; the graph's input is x."""

    def __init__(self, *tensors: TensorProto):
        self.nodes, self.tensors = [], list(tensors)

    def op(self, kind: str, *inputs, name: str = "", domain: str = "", **attributes) -> "Model":
        """Add an operator, whose output has its name, by default its kind.

        inputs: names of values, arrays and tensors.
        """
        names = [self._input(each) for each in inputs]
        made = helper.make_node(kind, names, [name or kind], name, domain=domain, **attributes)
        self.nodes.append(made)
        return self

    def _input(self, given) -> str:
        if isinstance(given, str):
            return given
        if not isinstance(given, TensorProto):
            given = tensor(f"array{len(self.tensors)}", given)
        self.tensors.append(given)
        return given.name

    def proto(self):
        info = [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)]
        ends = [helper.make_tensor_value_info(n.output[0], 1, None) for n in self.nodes[-1:]]
        return helper.make_model(helper.make_graph(self.nodes, "g", info, ends, self.tensors))

    def bytes(self) -> bytes:
        return self.proto().SerializeToString()
