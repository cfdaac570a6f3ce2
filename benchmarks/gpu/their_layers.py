"""PyTorch's counterparts of single steps: cuDNN's and cuBLAS's functions, repeated in one graph."""

from collections.abc import Callable

import torch
from torch.nn import functional as F

from benchmarks.gpu.settings import Settings
from benchmarks.gpu.theirs import FORMATS, captured, set_precision
from convnet.network.record import Step

ATEN = torch.ops.aten


def counterpart(
    step: Step, cases: int, precision: str, layout: str, settings: Settings, repeats: int
) -> Callable[[], None] | None:
    """Return a function that does the work of a step `repeats` times; None without a counterpart.

    In bf16 its arrays are bf16, where ours are float32.
    """
    make = MADE.get(step.operation)
    if make is None or (layout == "nhwc" and step.operation.startswith("fc.")):
        return None
    set_precision(precision)
    kind = torch.bfloat16 if precision == "bf16" else torch.float32

    def tensor(*shape):
        made = torch.randn(*shape, device=settings.torch_device, dtype=kind)
        return made.contiguous(memory_format=FORMATS[layout]) if len(shape) == 4 else made

    call = make(step, cases, tensor)

    def repeated():
        set_precision(precision)
        for _ in range(repeats):
            call()

    if settings.torch_device != "cuda" or step.operation in NOT_CAPTURED:
        return repeated
    return _captured(repeated)


def _captured(call):
    """Capture the call, after cuDNN has chosen its algorithms in a first one."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        call()
    return captured(call)


# -- convolutions ------------------------------------------------------------------


class _Conv:
    """Shapes of a convolution step, cases first; images as large as its windows reach."""

    def __init__(self, images, weights, maps, numbers, cases):
        padding, stride, groups = numbers[:3]
        channels, height, width = images.dims
        reached = (maps.dims[1] - 1) * stride + weights.dims[1] - 2 * padding
        self.x = cases, channels, max(height, reached), max(width, reached)
        self.w = weights.dims[3], *weights.dims[:3]
        self.y = cases, *maps.dims
        self.stride, self.padding, self.groups = stride, padding, groups

    def backward(self, tensor, of_images: bool):
        x, w, dy = tensor(*self.x), tensor(*self.w), tensor(*self.y)
        mask = [of_images, not of_images, False]
        return lambda: ATEN.convolution_backward(
            dy, x, w, None, [self.stride] * 2, [self.padding] * 2, [1, 1], False, [0, 0],
            self.groups, mask,
        )  # fmt: skip


def _conv_forward(step, cases, tensor):
    x, w, y, *numbers = step.arguments
    conv = _Conv(x, w, y, numbers, cases)
    images, weights, biases = tensor(*conv.x), tensor(*conv.w), tensor(conv.w[0])
    if not step.operation.endswith("_fused"):
        biases = None
    activation = _activation_of(step)
    return lambda: activation(
        F.conv2d(images, weights, biases, conv.stride, conv.padding, 1, conv.groups)
    )


def _activation_of(step):
    """The neuron, in place: relu, or nothing."""
    return F.relu_ if "relu" in step.arguments else lambda y: y


def _conv_images(step, cases, tensor):
    dy, w, dx, *numbers = step.arguments
    return _Conv(dx, w, dy, numbers, cases).backward(tensor, True)


def _conv_weights(step, cases, tensor):
    x, dy, dw, *numbers = step.arguments
    return _Conv(x, dw, dy, numbers, cases).backward(tensor, False)


# -- full connections ------------------------------------------------------------------


def _fc_forward(step, cases, tensor):
    weights = step.arguments[1].dims
    x, w, biases = tensor(cases, weights[1]), tensor(*weights), tensor(weights[0])
    if not step.operation.endswith("_fused"):
        biases = None
    activation = _activation_of(step)
    return lambda: activation(F.linear(x, w, biases))


def _fc_inputs(step, cases, tensor):
    weights = step.arguments[1].dims
    dy, w = tensor(cases, weights[0]), tensor(*weights)
    return lambda: dy @ w


def _fc_weights(step, cases, tensor):
    outputs, inputs = step.arguments[2].dims
    x, dy = tensor(cases, inputs), tensor(cases, outputs)
    return lambda: dy.t() @ x


# -- others ------------------------------------------------------------------


def _pool_forward(step, cases, tensor):
    x, _, _, size, stride, _ = step.arguments
    images = tensor(cases, *x.dims)
    return lambda: ATEN.max_pool2d_with_indices(images, [size, size], [stride, stride])


def _pool_backward(step, cases, tensor):
    x, y, _, _, _, size, stride, *_ = step.arguments
    images, dy = tensor(cases, *x.dims), tensor(cases, *y.dims)
    window = [size, size], [stride, stride], [0, 0], [1, 1], False
    _, places = ATEN.max_pool2d_with_indices(images, *window)
    return lambda: ATEN.max_pool2d_with_indices_backward(dy, images, *window, places)


def _cmrnorm_forward(step, cases, tensor):
    x, _, _, size, scale, power, k, _ = step.arguments
    images = tensor(cases, *x.dims)
    return lambda: F.local_response_norm(images, size, scale * size, power, k)


def _cmrnorm_backward(step, cases, tensor):
    x, _, _, _, _, size, scale, power, *_ = step.arguments
    images, dy = tensor(cases, *x.dims).requires_grad_(), tensor(cases, *x.dims)
    y = F.local_response_norm(images, size, scale * size, power, 2.0)
    return lambda: torch.autograd.grad(y, images, dy, retain_graph=True)


NOT_CAPTURED = ("cmrnorm.backward",)  # autograd works on the stream that it went forward on
MADE = {
    "conv.forward": _conv_forward,
    "conv.forward_fused": _conv_forward,
    "conv.images_grad": _conv_images,
    "conv.weights_grad": _conv_weights,
    "fc.forward": _fc_forward,
    "fc.forward_fused": _fc_forward,
    "fc.inputs_grad": _fc_inputs,
    "fc.weights_grad": _fc_weights,
    "pool.forward": _pool_forward,
    "pool.backward": _pool_backward,
    "cmrnorm.forward": _cmrnorm_forward,
    "cmrnorm.backward": _cmrnorm_backward,
}
