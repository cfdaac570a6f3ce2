"""Errors of approximate instructions: drawn by seed, repeatable, and as large as is allowed."""

import numpy as np
import pytest

from emulator.arithmetic import functions
from emulator.arithmetic.approximate import APPROXIMATIONS, errors

SEEDS = range(40)
RNG = np.random.default_rng(2)
INPUTS = (RNG.uniform(0.01, 6, 512)).astype(np.float32)


def results(name, seed, site=3, inputs=INPUTS):
    given = (inputs, inputs[::-1].copy()) if name.startswith("div") else (inputs,)
    with np.errstate(all="ignore"):
        return functions(seed)[name](site, *given)


def relative_to_bound(name, seed):
    """Return the errors of results in units of the bound."""
    which = APPROXIMATIONS[name]
    wide = [INPUTS.astype(np.float64)]
    if name.startswith("div"):
        wide.append(wide[0][::-1])
    exact = which.exact(*wide)
    return (results(name, seed) - exact) / which.bound(exact, *wide)


@pytest.mark.parametrize("name", APPROXIMATIONS)
def test_errors_reach_the_bound_on_both_sides_and_never_pass_it(name):
    found = np.array([relative_to_bound(name, seed) for seed in SEEDS])
    assert -1 <= found.min() < -0.9 and 0.9 < found.max() <= 1


@pytest.mark.parametrize("name", [*APPROXIMATIONS, "div_approx"])
def test_results_repeat_and_depend_on_seed_instruction_and_operands(name):
    first = results(name, 5)
    assert np.array_equal(first, results(name, 5))
    assert any(not np.array_equal(first, results(name, seed)) for seed in SEEDS)
    assert any(not np.array_equal(first, results(name, 5, site)) for site in range(20))
    order = RNG.permutation(512)
    if name.startswith("div"):
        return
    assert np.array_equal(first[order], results(name, 5, inputs=INPUTS[order]))


@pytest.mark.parametrize("name", APPROXIMATIONS)
def test_without_a_seed_results_are_nearest(name):
    which = APPROXIMATIONS[name]
    wide = [INPUTS.astype(np.float64)]
    if name.startswith("div"):
        wide.append(wide[0][::-1])
    assert np.array_equal(results(name, None), which.exact(*wide).astype(np.float32))


def test_a_seed_draws_the_kind_of_errors_of_each_instruction():
    """Random ones, the largest of either sign, always the largest, always the smallest."""
    kinds = set()
    for site in range(64):
        found = errors(11, site, INPUTS)
        assert (np.abs(found) <= 1).all()
        largest = np.abs(found) == 1
        kinds.add((bool(largest.all()), bool((found > 0).all()), bool((found < 0).all())))
    assert kinds == {
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, False, True),
    }


def test_the_gross_reciprocal_has_20_bits():
    values = RNG.uniform(-9, 9, 999)
    for seed in (None, *SEEDS):
        found = functions(seed)["rcp_approx_f64"](1, values)
        assert not (found.view(np.uint64) & np.uint64(0xFFFFFFFF)).any()
        assert (np.abs(found * values - 1) < 2.0**-18).all()
