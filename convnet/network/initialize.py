"""Initial weights and random tables: pure functions of the seed and the name."""

from zlib import crc32

import numpy as np

from convnet.network.plan import Parameter, PlannedTable


def initial_values(parameter: Parameter, seed: int) -> np.ndarray:
    """Return constant + deviation · N(0,1), float32, in the parameter's shape.

    (paper, 5; docs/dialect.md, 5.1)
    """
    spec = parameter.spec
    values = np.full(spec.shape, spec.constant, np.float32)
    if spec.deviation:
        source = np.random.Philox(np.random.SeedSequence([seed, crc32(parameter.name.encode())]))
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
