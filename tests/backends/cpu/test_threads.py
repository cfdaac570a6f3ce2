"""Any number of threads computes the same bits: rounding depends on shapes alone."""

import numpy as np
import pytest
from numba import config, get_num_threads

from convnet.backends.cpu.engine import Bound, Engine, Program, limit_threads
from convnet.backends.cpu.ops import conv, fc
from convnet.backends.cpu.winograd import conv as winograd
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.network import Network
from tests.support.paths import ROOT

CASES = {  # so many that no layer is left to a single thread
    "digits": 64,
    "cifar10-norm": 64,
    "cifar10-rnorm": 64,
    "cifar10-local-norm": 32,
    "figure1-tanh": 64,
    "codes-small": 256,
}
THREADS = range(1, max(config.NUMBA_NUM_THREADS, 2) + 1)


def values_of(net, threads):
    """All outputs and gradients of a network, by name."""
    specs = Specs.read(ROOT / f"layers/{net}.cfg", ROOT / f"params/{net}.params")
    graph = build(specs.layers, specs.params, specs.problems)
    cases = CASES[net]
    with limit_threads(threads):
        network = Network(graph, cases, Engine(np.float32), seed=1)
        rng = np.random.default_rng(0)
        matrices = {
            index: rng.standard_normal((rows, cases)).astype(np.float32)
            for index, rows in graph.data_dims.items()
        }
        if 1 in matrices:
            matrices[1] = rng.integers(0, 10, (1, cases)).astype(np.float32)
        network.load(matrices)
        network.run("gradients")
    layers = [node.name for node in graph.declared() if not node.is_data and not node.is_cost]
    found = {name: network.output(name) for name in layers}
    return found | {p.name: network.read_gradient(p) for p in network.plan.parameters}


@pytest.mark.parametrize("net", CASES)
def test_any_number_of_threads(net):
    if max(THREADS) > config.NUMBA_NUM_THREADS:
        pytest.skip("NUMBA_NUM_THREADS allows one thread only")
    expected = values_of(net, 1)
    for threads in THREADS[1:]:
        found = values_of(net, threads)
        different = [name for name in expected if not np.array_equal(found[name], expected[name])]
        assert not different, f"with {threads} threads"


@pytest.mark.parametrize("cases", [1, 3, 8])
def test_products_of_few_cases(cases):
    """Full connections and convolutions whose tasks depend on the number of threads."""
    if max(THREADS) > config.NUMBA_NUM_THREADS:
        pytest.skip("NUMBA_NUM_THREADS allows one thread only")
    expected = few_products(cases, 1)
    for threads in THREADS[1:]:
        for one, other in zip(expected, few_products(cases, threads), strict=True):
            assert np.array_equal(one, other), f"with {threads} threads"


@pytest.mark.parametrize("cases", [8, 32])
def test_columns_of_a_task_change_no_bits(cases, monkeypatch):
    """They follow the size of the processor's cache (caches.py)."""
    found = []
    for tiles in (1, 4, 8):
        monkeypatch.setattr(winograd, "TILES", tiles)
        found.append(few_products(cases, 1))
    for others in found[1:]:
        assert all(map(np.array_equal, others, found[0]))


def few_products(cases, threads):
    """The results of each product of a full connection and of a convolution."""
    rng = np.random.default_rng(3)
    x, dy, w = (rng.standard_normal(s, np.float32) for s in ((999, cases), (77, cases), (77, 999)))
    image, gradient, filters = (
        rng.standard_normal(shape, np.float32)
        for shape in ((16, 13, 13, cases), (70, 13, 13, cases), (16, 3, 3, 70))
    )
    calls = [
        (fc.forward, (x, w), dy.shape, ()),
        (fc.inputs_grad, (dy, w), x.shape, ()),
        (fc.weights_grad, (x, dy), w.shape, ()),
        (conv.forward, (image, filters), gradient.shape, (1, 1, 1)),
        (conv.images_grad, (gradient, filters), image.shape, (1, 1, 1)),
        (conv.weights_grad, (image, gradient), filters.shape, (1, 1, 1)),
    ]
    found = []
    with limit_threads(threads):
        for function, inputs, shape, geometry in calls:
            out = np.empty(shape, np.float32)
            arguments = *inputs, out, *geometry, False
            scratch = np.empty(function.scratch_size(*arguments), np.uint8)
            function(*arguments, scratch=scratch)
            found.append(out)
    return found


def test_each_step_of_a_program_runs_on_its_threads():
    """And the number of threads is what it was, whatever happens."""
    found = []

    def call():
        found.append(get_num_threads())

    def fail():
        raise ValueError

    most = get_num_threads()
    steps = [Bound(None, threads, [call] * calls) for threads, calls in [(1, 2), (most, 1), (1, 0)]]
    program = Program([*steps, Bound(None, 1, [call])])
    program.run()
    assert found == [1, 1, most, 1] and get_num_threads() == most
    with pytest.raises(ValueError):
        Program([*program.bound, Bound(None, 1, [fail])]).run()
    assert get_num_threads() == most
