"""python -m examples.photos: the measure of specialization, the stages of a run, the tables."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from click.testing import CliRunner

from convnet import checkpoint, nets
from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint
from convnet.graph.build import build
from convnet.graph.set_keys import set_keys
from convnet.language.specs import Specs
from convnet.network.network import Network
from convnet.train.prediction_files import Predictions
from examples import stages
from examples.outcomes import Result
from examples.photos import __main__ as command_line
from examples.photos.figures import SHOWN, case_of, choice
from examples.photos.nets import BY_NAME, NETS, STAGES
from examples.photos.results import error_table, figure4_table, specialization_table
from examples.photos.specialization import (
    NOISE,
    Specialization,
    against_shuffled,
    color_of_energy,
    color_shares,
    halves_of,
    learned,
    specialization,
)
from examples.photos.training import Place, command, train
from tests.support.small_nets import COST, DATA, LAST, graph_of, params_of

# -- drawn filters ---------------------------------------------------------------------------------

STRIPES = np.cos(np.arange(11) * 1.3)[:, np.newaxis] * np.ones(11)
GRAY, RED, RED_GREEN, BLUE_YELLOW = (1, 1, 1), (1, 0, 0), (1, -1, 0), (-1, -1, 2)


def drawn(*colors, pattern=STRIPES):
    """Filters of one pattern, each in a color: float32 (filters, 3, 11, 11)."""
    return np.array([np.multiply.outer(color, pattern) for color in colors], np.float32)


def test_the_share_of_color_of_drawn_filters():
    """A filter in red alone is a third gray: its part along (1, 1, 1)."""
    shares = color_shares(drawn(GRAY, RED, RED_GREEN, BLUE_YELLOW, (-2, -2, -2)))
    np.testing.assert_allclose(shares, [0, 2 / 3, 1, 1, 0], atol=1e-6)
    half = drawn(GRAY) / np.sqrt(3) + drawn(RED_GREEN, pattern=STRIPES.T) / np.sqrt(2)
    np.testing.assert_allclose(color_shares(half), [0.5], atol=1e-6)
    np.testing.assert_allclose(color_shares(1000 * half), [0.5], atol=1e-6)


def test_noise_has_two_thirds():
    noise = np.random.default_rng(1).standard_normal((500, 3, 11, 11)).astype(np.float32)
    assert color_shares(noise).mean() == pytest.approx(NOISE, abs=0.005)
    assert color_of_energy(noise) == pytest.approx(NOISE, abs=0.005)


def test_filters_that_learned_nothing_count_little_in_the_energy():
    noise = 0.01 * np.random.default_rng(1).standard_normal((3, 3, 11, 11))
    filters = np.concatenate([drawn(GRAY), noise])
    assert color_shares(filters).mean() > 0.45
    assert color_of_energy(filters) == pytest.approx(0, abs=0.001)


def test_initial_values_are_taken_out():
    """Gray stripes over stronger noise look colored; what was learned is gray."""
    initial = np.random.default_rng(4).standard_normal((2, 3, 11, 11))
    filters = 1.9 * initial + drawn(GRAY, RED_GREEN)
    assert color_shares(filters) == pytest.approx([0.6, 0.68], abs=0.1)
    np.testing.assert_allclose(color_shares(learned(filters, initial)), [0, 1], atol=0.02)
    np.testing.assert_array_equal(learned(filters, 0 * initial), filters)


def test_the_halves_of_two_devices_and_of_one():
    a, b = drawn(GRAY, RED), drawn(RED_GREEN, BLUE_YELLOW)
    assert halves_of([a, b])[1] is b
    one, other = halves_of([np.concatenate([a, b])])
    assert (one == a).all() and (other == b).all()


# -- the permutation test --------------------------------------------------------------------------


def test_few_values_are_compared_with_all_assignments():
    """Of the 6 ways to halve {0, 0, 1, 1}, 2 have a difference of 1; of {0, 0, 0, 1}, all 1/2."""
    limit, p = against_shuffled(np.zeros(2), np.ones(2))
    assert limit == 1 and p == pytest.approx(1 / 3, abs=0.02)
    limit, p = against_shuffled(np.zeros(2), np.array([0.0, 1.0]))
    assert limit == 0.5 and p == 1


def test_halves_of_one_distribution_do_not_differ():
    """In 100 pairs of halves about 5 have p < 0.05, and as many exceed what shuffled ones reach."""
    rng = np.random.default_rng(2)
    values = [rng.random((2, 48)) for _ in range(100)]
    found = [(abs(a.mean() - b.mean()), *against_shuffled(a, b, 1000)) for a, b in values]
    assert 1 <= sum(p < 0.05 for _, _, p in found) <= 12
    assert all((gap > limit) == (p <= 0.05) for gap, limit, p in found if abs(p - 0.05) > 0.005)


def test_halves_that_specialize_differ():
    rng = np.random.default_rng(3)
    gray, color = 0.3 * rng.random(48), 0.3 + 0.7 * rng.random(48)
    limit, p = against_shuffled(gray, color)
    assert p < 0.001 and limit < 0.2 < color.mean() - gray.mean()
    assert against_shuffled(color, gray)[1] < 0.001


# -- of a checkpoint -------------------------------------------------------------------------------

_CONV = """
[conv1{}]
type=conv
inputs=data
channels=3
filters=4
filterSize=11
stride=4
initW=0.01
gpu={}
"""
CONVS = "conv1a", "conv1b"
LAYERS = DATA + _CONV.format("a", 0) + _CONV.format("b", 1) + LAST + COST
DIMS = {0: 3 * 23**2, 1: 1}


def test_devices_with_gray_and_color_are_found(tmp_path):
    layers = LAYERS.replace("inputs=fca", f"inputs={','.join(CONVS)}")
    network = Network(graph_of(layers, params_of([*CONVS, "fc2"]), DIMS), 2, Engine())
    for name, colors in (("conv1a", 4 * [RED_GREEN]), ("conv1b", 4 * [GRAY])):
        parameter = network.parameters[f"{name}.weights.0"]
        stripes = np.moveaxis(0.01 * drawn(*colors), 0, -1)
        network.write(parameter, network.read(parameter) + stripes)
    dims = {"data_dims": {str(index): size for index, size in DIMS.items()}}
    checkpoint.save(tmp_path / "best.safetensors", Checkpoint.of(network, options=dims))
    found = specialization(tmp_path, "alexnet", 3)
    assert found.halves == pytest.approx((1, 0), abs=0.03)
    assert found.of_energy == pytest.approx((1, 0), abs=0.03)
    assert found.difference == pytest.approx(1, abs=0.03)
    assert 0.6 < found.raw[0] < 0.95 and 0.1 < found.raw[1] < 0.6
    assert found.shuffled == pytest.approx(0.5, abs=0.02)
    assert found.p == pytest.approx(2 / 70, abs=0.005)
    assert (found.net, found.seed) == ("alexnet", 3)


# -- stages ----------------------------------------------------------------------------------------


def option(arguments, name):
    return arguments[arguments.index(name) + 1]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "runs", tmp_path / "data", 101, more=("--device", "cpu"))


def test_the_commands_of_a_run(place):
    first, second, third = (command(BY_NAME["alexnet"], 2, place, n) for n in range(3))
    assert option(first, "--layers") == "alexnet" and option(first, "--gpu") == "0,1"
    assert "--set=fc8.outputs=101" in first and not any("eps" in word for word in first)
    assert option(first, "--save") == str(place.runs / "alexnet-2") == option(second, "--resume")
    assert [option(c, "--epochs") for c in (first, second, third)] == ["20", "25", "30"]
    assert {"--set=conv1b.epsW=0.001", "--set=fc8.epsB=0.001"} <= set(second)
    assert "--set=conv5a.epsW=0.0001" in third and third[-1] == "cpu"
    layers = {word.partition("=")[2].partition(".")[0] for word in second if "eps" in word}
    assert len(layers) == 15 and len([word for word in second if "eps" in word]) == 30


def test_a_run_that_another_command_began_goes_on(place, monkeypatch):
    """Of 20 epochs by `convnet train`, the two stages that follow are trained."""
    done, called = [20.0], []

    def call(arguments, output=None):
        called.append(arguments)
        done[0] = float(option(arguments, "--epochs"))

    monkeypatch.setattr(stages, "call", call)
    monkeypatch.setattr(stages, "epochs_done", lambda folder: done[0])
    train(BY_NAME["alexnet"], 1, place)
    assert [option(arguments, "--epochs") for arguments in called] == ["25", "30"]
    assert all(option(a, "--resume") == str(place.runs / "alexnet-1") for a in called)


def test_the_nets_are_built_with_the_classes(place):
    """In `undivided`, conv2 reads the maps of both halves, and no layer is narrower."""
    found = {}
    for net in NETS:
        files, changes = nets.find(nets.Path(net.layers)), command(net, 1, place, 0)
        settings = [word[6:].split("=") for word in changes if word.startswith("--set=")]
        specs, _ = set_keys(Specs.read(files.layers, files.params), map(tuple, settings))
        graph = build(specs.layers, specs.params, specs.problems, classes=101)
        specs.problems.raise_errors()
        found[net.name] = {node.name: node for node in graph.declared()}
    assert {nodes["fc8"].shape.size for nodes in found.values()} == {101}
    groups, undivided = found["groups"]["conv2"], found["undivided"]["conv2"]
    assert (groups.layer.groups, undivided.layer.groups) == ((2,), (1,))
    assert groups.shape == undivided.shape
    assert all(net.features in (*found[net.name], "fc7") for net in NETS)


# -- figure 4 and the tables -----------------------------------------------------------------------

SPECIAL = Specialization("alexnet", 2, 30.0, (0.7, 0.3), (0.6, 0.5), (0.8, 0.1), 0.4, 0.05, 5e-5)


def test_the_photographs_of_the_figure_are_always_the_same():
    assert choice(1736) == choice(1736) == sorted(set(choice(1736))) and len(choice(1736)) == SHOWN
    assert choice(3) == [0, 1, 2]


def test_a_case_has_its_classes_by_name():
    probabilities = np.array([[0.1, 0.5], [0.2, 0.3], [0.7, 0.2]])
    found = Predictions({1: probabilities}, np.array([2, 1]), ("ant", "bass", "crab"))
    case = case_of(found, 1, [{"label": 1, "distance": 2.256}, {"label": 0, "distance": 3.0}])
    assert case.true == "bass" and case.top == [("ant", 0.5), ("bass", 0.3), ("crab", 0.2)]
    assert case.neighbors == [("bass", 2.26), ("ant", 3.0)]
    facts = {"net": "alexnet", "seed": 1, "epochs": 30.0, "cases": [asdict(case)]}
    text = figure4_table(json.loads(json.dumps(facts)))
    assert "| bass | ant 50%, **bass** 30%, crab 20% | **bass**, ant |" in text
    assert "alexnet, seed 1, after 30 epochs." in text


def result(**changes):
    facts = {"net": "alexnet", "seed": 1, "epochs": 30.0, "of": 30, "test_error": 0.35, "views": 10}
    facts |= {"views_error": 0.335, "train_error": 0.1, "seconds": 7200.0}
    return Result(**facts | {"images_per_second": 40.0, "top5_error": 0.15} | changes)


def test_the_tables_of_errors_and_of_specialization():
    unfinished = result(seed=3, test_error=None, views_error=None, top5_error=None, epochs=12.4)
    text = error_table([unfinished, result(), result(seed=2, test_error=0.37, views_error=0.345)])
    assert "| alexnet | 1 | 30 | 35.00% | 33.50% | 1.50 | 15.00% | 2.00 | 40 |" in text
    assert "| alexnet | 3 | 12 of 30 | not finished |  |  |  | 2.00 | 40 |" in text
    assert "alexnet, 2 seeds: 36.00 % (35.00 to 37.00) on one view, 34.00 %" in text
    row = "| alexnet | 2 | 30 | 0.700 and 0.300 | 0.400 | 0.050 | 5e-05 | 0.800 and 0.100 | 0.600"
    assert row in specialization_table([SPECIAL])


# -- the command line ------------------------------------------------------------------------------


def test_images_that_are_too_small_are_refused(tmp_path):
    arguments = ["--data", "digits", "--runs", str(tmp_path / "runs")]
    found = CliRunner().invoke(command_line.main, arguments)
    assert found.exit_code == 1 and "color images of 224 pixels or more" in found.output
    assert found.output.count("\n") == 1 and not (tmp_path / "runs").exists()
    assert STAGES[-1].until == 30


def test_unknown_nets_are_named(tmp_path):
    found = CliRunner().invoke(command_line.main, ["--data", "digits", "--nets", "vgg"])
    assert found.exit_code == 2 and "undivided" in found.output
