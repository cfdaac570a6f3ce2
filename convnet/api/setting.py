"""Keys of the two files that `Net` sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real

import numpy as np

from convnet.api.options import SetValue
from convnet.errors import ConvnetError
from convnet.graph.set_keys import set_keys
from convnet.language.specs import Specs


def with_keys_set(specs: Specs, given: Mapping[str, SetValue] | None) -> Specs:
    """Return the files with keys set.

    Raises SpecError if there is no such key, ConvnetError if a value is of another type.
    """
    if given is None:
        return specs
    if not isinstance(given, Mapping):
        raise ConvnetError(
            f"set is a dictionary from keys to values, such as {{'conv1.epsW': 0.02}}, "
            f"found {given!r}"
        )
    return set_keys(specs, [(str(name), _text(name, given[name])) for name in given], "set")[0]


def _text(name: str, value: SetValue) -> str:
    """The value as a file would have it."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, Sequence):
        return ",".join(_text(name, each) for each in value)
    raise ConvnetError(f"set {name}: a value is a text, a number or a list, found {value!r}")
