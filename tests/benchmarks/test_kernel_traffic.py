"""The arguments that the traffic of a step leaves out, because its kernels do not use them."""

from benchmarks.kernel_traffic import untouched


def test_arguments_that_kernels_do_not_use():
    window = {"size": 5, "blocked": False}
    assert untouched("cmrnorm.backward", window) == {"y", "denominators"}
    assert untouched("cmrnorm.backward", window | {"blocked": True}) == set()
    assert untouched("neuron.backward", {"kind": "relu"}) == {"x"}
    assert untouched("update.sgd", {}) == set()
