"""Initial weights: a pure function of the seed and the parameter's name."""

from zlib import crc32

import numpy as np

from convnet.network.plan import Parameter


def initial_values(parameter: Parameter, seed: int) -> np.ndarray:
    """constant + deviation · N(0,1), float32, in the parameter's shape (paper, 5; dialect, 5.1)."""
    spec = parameter.spec
    values = np.full(spec.shape, spec.constant, np.float32)
    if spec.deviation:
        source = np.random.Philox(np.random.SeedSequence([seed, crc32(parameter.name.encode())]))
        draws = np.random.Generator(source).standard_normal(spec.shape, np.float32)
        values += np.float32(spec.deviation) * draws
    return values
