"""Layers from arrays with names: NAME.weight with NAME.bias, as PyTorch writes them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from convnet.foreign.contents import ForeignLayer

_OWN = re.compile(r"(.+)\.(?:weights\.0|(biases))")  # names of `convnet export`
_NAMED = re.compile(r"(?:(.*)\.)?(?:weight|(bias))")
_NORMALIZED = ("running_mean", "running_var")

Left = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entry:
    """An array of a file.

    shape, is_float: of its values.  read: returns them, floats as float32.
    """

    shape: tuple[int, ...]
    is_float: bool
    read: Callable[[], np.ndarray]


def layers_of(entries: Mapping[str, Entry]) -> tuple[tuple[ForeignLayer, ...], Left]:
    """Return the layers that the arrays are weights and biases of, in the order of their weights.

    Also returns the arrays that are not, each with the reason.
    """
    layers, left = [], {}
    used: set[str] = set()
    for name, entry in entries.items():
        layer, is_bias = _split(name)
        if layer is None or is_bias:
            continue
        reason = _no_weights(layer, entry, entries)
        if reason:
            left[name] = reason
            continue
        biases = next((n for n in _biases(layer) if n in entries), None)
        found = _bias(entries, biases, entry.shape[0])
        used |= {name, *([biases] if biases and found is not None else [])}
        layers.append(ForeignLayer(layer, entry.read(), found))
    for name in entries:
        if name not in used and name not in left:
            left[name] = _reason(name, entries)
    ordered = tuple((name, left[name]) for name in entries if name in left)
    return tuple(layers), ordered


def _split(name: str) -> tuple[str | None, bool]:
    """Return (layer, whether the array is its biases); None for any other array."""
    match = _OWN.fullmatch(name) or _NAMED.fullmatch(name)
    return (match[1] or "weight", match[2] is not None) if match else (None, False)


def _biases(layer: str) -> tuple[str, ...]:
    return f"{layer}.bias", f"{layer}.biases", *(["bias"] if layer == "weight" else [])


def _bias(entries: Mapping[str, Entry], name: str | None, outputs: int) -> np.ndarray | None:
    if name is None:
        return None
    entry = entries[name]
    return entry.read() if entry.is_float and entry.shape == (outputs,) else None


def _no_weights(layer: str, entry: Entry, entries: Mapping[str, Entry]) -> str:
    """Why an array is not the weights of a layer that can be taken; "" if it is."""
    if _is_normalization(layer, entries):
        return "batch normalization has no counterpart here"
    if not entry.is_float:
        return "holds integers"
    if len(entry.shape) not in (2, 4):
        return f"has {len(entry.shape)} dimensions; weights have 4 (convolutions) or 2 (full)"
    return "" if all(entry.shape) else "holds no values"


def _is_normalization(layer: str, entries: Mapping[str, Entry]) -> bool:
    return any(f"{layer}.{each}" in entries for each in _NORMALIZED)


def _reason(name: str, entries: Mapping[str, Entry]) -> str:
    layer, _, last = name.rpartition(".")
    if _is_normalization(layer, entries):
        return "batch normalization has no counterpart here"
    if last in ("weight_g", "weight_v") or ".parametrizations." in name:
        return "a parametrized weight; remove the parametrization before saving"
    if re.fullmatch(r".+\.weights\.[1-9]\d*", name):
        return "the weights of a further input; `convnet import` without --map takes all of them"
    if last in ("bias", "biases"):
        return "biases without weights of as many outputs"
    return "is neither weights nor biases of a layer"
