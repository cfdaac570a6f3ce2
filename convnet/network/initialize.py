"""Initial weights and random tables: pure functions of the seed and the name."""

from zlib import crc32

import numpy as np

from convnet.layers.declarations import Weight
from convnet.network.plan import Parameter, PlannedTable


def initial_values(parameter: Parameter, seed: int) -> np.ndarray:
    """Return the initial values of a parameter, as `drawn_values`."""
    return drawn_values(parameter.spec, parameter.name, seed)


def drawn_values(spec: Weight, name: str, seed: int) -> np.ndarray:
    """Return constant + deviation · N(0,1), float32, in the shape of a parameter of that name.

    (paper, 5; docs/dialect.md, 5.1)
    """
    values = np.full(spec.shape, spec.constant, np.float32)
    if spec.deviation:
        source = np.random.Philox(np.random.SeedSequence([seed, crc32(name.encode())]))
        draws = np.random.Generator(source).standard_normal(spec.shape, np.float32)
        values[: spec.drawn] += np.float32(spec.deviation) * draws[: spec.drawn]
    return values


def initial_table(table: PlannedTable, seed: int) -> np.ndarray:
    """Return the table's values, or its permutations one behind the other, as int32.

    (docs/dialect.md, 3.3)
    """
    spec = table.spec
    if spec.values is not None:
        return np.array(spec.values, np.int32)
    source = np.random.Philox(np.random.SeedSequence([seed, crc32(table.name.encode())]))
    draw = np.random.Generator(source).permutation
    parts = [draw(spec.permuted) for _ in range(spec.size // spec.permuted)]
    return np.concatenate(parts).astype(np.int32)
