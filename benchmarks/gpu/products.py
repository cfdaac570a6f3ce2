"""Convolutions and full connections in float64, by PyTorch, whose arrays have the cases first."""

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.gpu.traffic import adds
from convnet.network.memory import View
from convnet.network.record import Step


def in_float64(
    step: Step, before: dict[View, np.ndarray], cases: int, device: str
) -> dict[View, np.ndarray]:
    """Return what a product's step computes from the values in `before`, by written view."""
    kind, _, function = step.operation.partition(".")
    values = [before[a] if isinstance(a, View) else a for a in step.arguments]
    compute = {"conv": _conv, "fc": _fc}[kind]
    found = compute(function.removesuffix("_fused"), values, device)
    target = step.arguments[2]
    found = found + (before[target] if adds(step) else 0)
    if function.endswith("_fused"):
        found = _with_epilogue(found, *values[-4:-2])
    return {target: found}


def _with_epilogue(y, biases, neuron):
    y = y + biases.astype(np.float64).reshape(-1, *[1] * (y.ndim - 1))
    if neuron not in ("ident", "relu"):
        raise NotImplementedError(f"no counterpart of the neuron {neuron} here")
    return np.maximum(y, 0) if neuron == "relu" else y


def _float64(array, device):
    return torch.from_numpy(np.ascontiguousarray(array)).to(device, torch.float64)


def _cases_first(array, device):
    return _float64(array, device).permute(3, 0, 1, 2).contiguous()


def _conv(function, values, device):
    a, b, out, padding, stride, groups = values[:6]
    if function == "forward":
        images, weights = a, b
        x, w = _cases_first(images, device), _filters(weights, device)
        maps = out.shape[1]
        x = _padded_to_windows(x, w, maps, stride, padding)
        return _cases_last(F.conv2d(x, w, None, stride, padding, 1, groups))
    images, weights, dy = (out, b, a) if function == "images_grad" else (a, out, b)
    x, w = _cases_first(images, device), _filters(weights, device)
    side = x.shape[2]
    x = _padded_to_windows(x, w, dy.shape[1], stride, padding)
    mask = [function == "images_grad", function == "weights_grad", False]
    dx, dw, _ = torch.ops.aten.convolution_backward(
        _cases_first(dy, device), x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0],
        groups, mask,
    )  # fmt: skip
    if function == "images_grad":
        return _cases_last(dx[:, :, :side, :side])
    return dw.permute(1, 2, 3, 0).cpu().numpy()


def _filters(weights, device):
    return _float64(weights, device).permute(3, 0, 1, 2).contiguous()


def _cases_last(tensor):
    return tensor.permute(1, 2, 3, 0).cpu().numpy()


def _padded_to_windows(x, w, modules, stride, padding):
    """Pad the images with zeros to the end of the last windows, or crop pixels that none reads."""
    more = (modules - 1) * stride + w.shape[2] - 2 * padding - x.shape[2]
    return F.pad(x, (0, max(more, 0), 0, max(more, 0)))


def _fc(function, values, device):
    a, b = _float64(values[0], device), _float64(values[1], device)
    if function == "forward":
        found = b @ a
    elif function == "inputs_grad":
        found = b.T @ a
    else:  # weights_grad(x, dy, dw)
        found = b @ a.T
    return found.cpu().numpy()
