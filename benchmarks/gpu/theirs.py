"""The same network in PyTorch, trained and tested as fast as PyTorch can.

Images are padded before to the end of conv1's last windows (227 pixels), which saves PyTorch the
work.  Dropout scales in training, as PyTorch's does; ours scales in tests.
"""

import contextlib
import gc
from collections.abc import Callable

import torch
from torch.nn import functional as F

from benchmarks.graphs import shapes_of
from benchmarks.pytorch.nets import Dropout2, TorchNet
from convnet.graph.build import Graph

RATE, MOMENTUM, DECAY = 0.0, 0.9, 0.0005  # a rate of 0 keeps the weights, as ours
FORMATS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}


def set_precision(precision: str) -> None:
    """Set the precision to which PyTorch may round float32 products."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True


def net_of(graph: Graph) -> TorchNet:
    """Its dropout is PyTorch's own."""
    net = TorchNet(graph)
    for place, module in enumerate(net.layers):
        if isinstance(module, Dropout2):
            net.layers[place] = torch.nn.Dropout(1 - module.keep)
    return net


class Trainer:
    """A network with its data and SGD, stepped eagerly or as a captured graph.

    precision: fp32, tf32, bf16 (autocast: float32 weights, as ours) or "bf16 weights" (everything
    in bf16, also the update).  layout: nchw or nhwc (channels_last).
    """

    def __init__(self, graph, cases, precision, layout, device):
        set_precision(precision)
        self.device, self.precision = torch.device(device), precision
        whole = precision == "bf16 weights"
        kind = torch.bfloat16 if whole else torch.float32
        self.net = net_of(graph).to(self.device, kind).to(memory_format=FORMATS[layout])
        shape, classes = shapes_of(graph)
        images = torch.randn(cases, *shape, device=self.device, dtype=kind) * 60
        self.images = self.net.padded(images).contiguous(memory_format=FORMATS[layout])
        self.labels = torch.randint(0, classes, (cases,), device=self.device)
        self.optimizer = _sgd(self.net, self.device)

    def autocast(self) -> contextlib.AbstractContextManager:
        if self.precision != "bf16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False)

    def train(self) -> None:
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            cost = F.cross_entropy(self.net(self.images), self.labels)
        cost.backward()
        self.optimizer.step()

    @torch.no_grad()
    def test(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cost, top-1 and top-5 errors, as ours."""
        self.net.eval()
        with self.autocast():
            values = self.net(self.images)
        best = values.topk(min(5, values.shape[1])).indices == self.labels[:, None]
        return F.cross_entropy(values, self.labels), best[:, :1].sum(), best.sum()

    def captured(self, step: Callable[[], object]) -> Callable[[], None]:
        """A call that replays `step` as one CUDA graph."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        return captured(step)


def captured(call: Callable[[], object]) -> Callable[[], None]:
    """Return the call as one graph.

    Python's garbage collector is off meanwhile, because freeing memory would end the capture.
    """
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    gc.collect()
    gc.disable()
    try:
        with torch.cuda.graph(graph):
            call()
    finally:
        gc.enable()
    return graph.replay


def _sgd(net, device):
    """One pass over the weights and one over the biases, which do not decay."""
    arrays = {"weight": [], "bias": []}
    for name, array in net.named_parameters():
        arrays[name.rpartition(".")[2]].append(array)
    groups = [
        {"params": arrays["weight"], "weight_decay": DECAY},
        {"params": arrays["bias"], "weight_decay": 0.0},
    ]
    fused = device.type == "cuda"
    return torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, fused=fused)


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
