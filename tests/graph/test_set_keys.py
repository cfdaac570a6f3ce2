"""Keys set by name: which file they are in, what is refused, and how errors read."""

import pytest

from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.graph.set_keys import changes, file_of, is_of_run, set_keys
from convnet.language import Source
from convnet.language.specs import RunDefaults, Specs
from tests.support.paths import ROOT

LAYERS = """[data]
type=data
dataIdx=0
channels=1
imgSize=8
[labels]
type=data
dataIdx=1
[one]
type=fc
inputs=data
outputs=3
initW=0.1
[two]
type=fc
inputs=data,one   ; of two
outputs=3
initW=0.1
[sum]
type=eltsum
inputs=one,two
coeffs=1,2
[probs]
type=softmax
inputs=sum
[logprob]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = """[DEFAULT]
momW=0.9
momB=0.9
wc=0
[run]
epochs=3
[one]
epsW=0.001
epsB=0.002
[two]
epsW=0.001
epsB=0.002
[logprob]
coeff=1
"""


def specs(layers=LAYERS, params=PARAMS):
    params = params and Source.from_text(params, "a.params")
    return Specs.parse(Source.from_text(layers, "a.cfg"), params)


def built(found):
    dims = {0: 64, 1: 1}
    graph = build(found.layers, found.params, found.problems, data_dims=dims, classes=3)
    found.problems.raise_errors()
    return graph


def errors(*given, of=None):
    with pytest.raises(SpecError) as caught:
        found, _ = set_keys(of or specs(), given)
        RunDefaults(found.params, found.problems)
        built(found)
    return str(caught.value)


def test_keys_of_both_files():
    given = [("one.epsW", "0.02"), ("two.initw", "0.3,0.4"), ("one.neuron", "relu")]
    new, lines = set_keys(specs(), given)
    assert lines == [
        "one: epsW 0.001 -> 0.02",
        "two: initW 0.1 -> 0.3,0.4",
        "one: neuron (none) -> relu",
    ]
    graph = built(new)
    assert graph.node("one").layer.eps_w[0].base == 0.02
    assert graph.node("two").layer.init_w == (0.3, 0.4)
    assert graph.node("one_neuron")
    assert graph.node("two").layer.eps_w[0].base == 0.001
    assert "inputs=data,one   ; of two" in new.layers.source.text


def test_settings_of_the_run_and_defaults():
    given = [("run.epochs", "7"), ("run.minibatch", "9"), ("data.source", "digits")]
    new, lines = set_keys(specs(), [*given, ("DEFAULT.momW", "0.5"), ("one.momW", "0.7")])
    defaults = RunDefaults(new.params, new.problems)
    assert (defaults.epochs, defaults.minibatch, defaults.source) == (7, 9, "digits")
    graph = built(new)
    assert graph.node("one").layer.mom_w == (0.7,)
    assert graph.node("two").layer.mom_w == (0.5, 0.5)
    assert len(lines) == 5
    assert set_keys(specs(), [("data.imgSize", "4")])[1] == ["data: imgSize 8 -> 4"]


def test_a_missing_section_is_added():
    bare = PARAMS[: PARAMS.index("[two]")] + PARAMS[PARAMS.index("[logprob]") :]
    given = [("two.epsW", "0.1"), ("two.epsB", "0.2")]
    new, _ = set_keys(specs(params=bare), given)
    assert built(new).node("two").layer.eps_w[0].base == 0.1
    assert new.params.source.text.count("[two]") == 1


def test_the_last_of_equal_names_counts_and_equal_values_change_nothing():
    new, lines = set_keys(specs(), [("one.epsW", "1"), ("one.EPSW", "2")])
    assert new.params.get("one").entries["epsw"].value.text == "2"
    assert lines[-1] == "one: epsW 1 -> 2"
    old = specs()
    assert set_keys(old, [("one.epsW", "0.001"), ("one.momW", "0.9")]) == (old, [])


def test_a_key_of_either_file_is_changed_where_it_is():
    assert file_of(specs(), "sum.coeffs") == "layers"
    moved = specs(LAYERS.replace("coeffs=1,2\n", ""), PARAMS + "[sum]\ncoeffs=1,2\n")
    assert file_of(moved, "sum.coeffs") == "params"
    assert file_of(specs(LAYERS.replace("coeffs=1,2\n", "")), "sum.coeffs") == "layers"


def test_what_would_change():
    assert changes(specs(), "one.outputs", "4")
    assert not changes(specs(), "one.outputs", "3")
    assert is_of_run("run.epochs") and is_of_run("data.source") and not is_of_run("one.epsW")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "one.epsV",
            "1",
            "--set one.epsV: fc layers have no key 'epsV'\n   did you mean 'epsW'?",
        ),
        ("one.colour", "1", "fc layers have no key 'colour'\n   `convnet layers fc` lists"),
        ("tow.epsW", "1", "--set tow.epsW: a.cfg has no layer 'tow'\n   did you mean 'two'?"),
        ("run.epoch", "1", "--set run.epoch: [run] has the keys epochs, minibatch"),
        ("DEFAULT.eps", "1", "--set DEFAULT.eps: no layer type has a key 'eps'"),
        ("DEFAULT.outputs", "1", "a.cfg has no section [DEFAULT]"),
        ("one.epsW", "1 ;2", "--set one.epsW: in a value ';' behind a space starts a comment"),
        ("one.epsW", "1\n[x]", "--set one.epsW: a value cannot contain control characters"),
        ("one.epsW", "\x1b[1m", "--set one.epsW: a value cannot contain control characters"),
        ("one.\x1b", "1", "--set one.?: fc layers have no key '?'"),
    ],
)
def test_refused(name, text, expected):
    assert expected in errors((name, text))


def test_all_that_is_refused_is_reported_together():
    assert errors(("one.x", "1"), ("nine.epsW", "1")).count("--set") == 2


@pytest.mark.parametrize(
    ("name", "text", "where", "shown"),
    [
        ("one.epsW", "fast", "--set one.epsW: one: epsW must be a number", "fast\n      | ^^^^"),
        ("two.initW", "1,x", "--set two.initW: two: initW must be", "1,x\n      |   ^"),
        ("two.initW", "1,2,3", "--set two.initW: two: initW has 3 entries for 2 inputs", "1,2,3"),
        ("one.epsW", "dexp[base=1", "--set one.epsW: ", "'[' has no closing ']'"),
        ("one.neuron", "rely", "--set one.neuron: ", "neuron=rely"),
        ("two.inputs", "data,three", "--set two.inputs: ", "three"),
        ("one.epsW", "", "--set one.epsW: one: epsW is empty", ""),
        ("run.epochs", "0", "--set run.epochs: epochs must be at least 1", "0\n      | ^"),
        ("one.epsW", "%(nothing)s", "--set one.epsW: '%(nothing)s' refers to a key", "%(noth"),
    ],
)
def test_errors_in_a_value_point_to_the_option(name, text, where, shown):
    found = errors((name, text))
    assert where in found and shown in found, found
    assert "a.params:" not in found and "a.cfg:" not in found


def test_errors_that_follow_elsewhere_point_to_the_file():
    found = errors(("one.outputs", "4"))
    assert "a.cfg:21:12: sum: inputs must be of one size, found 4 (one) and 3 (two)" in found


def test_errors_of_the_files_keep_their_lines():
    broken = specs(LAYERS.replace("outputs=3\ninitW=0.1\n[two]", "outputs=x\n[two]"))
    found = errors(("two.initW", "0.2,0.3"), ("data.channels", "1"), of=broken)
    assert "a.cfg:12:9: one: outputs must be an integer" in found


def test_files_with_errors_of_syntax_are_left_alone():
    broken = specs(params=PARAMS + "lonely\n")
    assert set_keys(broken, [("one.what", "1")]) == (broken, [])


def test_without_a_parameter_file():
    found = errors(("one.epsW", "1"), of=specs(params=None))
    assert "'epsW' is a key of the parameter file, and there is none" in found


@pytest.mark.parametrize("name", ["alexnet", "cifar10", "digits"])
def test_any_key_of_the_shipped_nets(name):
    """Each is set to the value that it has, and to another one."""
    old = Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")
    files = (old.layers, old.params)
    keys = [
        (f"{section.name}.{entry.key}", entry.value.text)
        for file in files
        for section in file.sections
        for entry in section.entries.values()
    ]
    assert len(keys) > 40
    assert set_keys(old, keys) == (old, [])
    for key, text in keys[:: max(1, len(keys) // 12)]:
        new, lines = set_keys(old, [(key, f"{text}7")])
        before = old.layers.source.text + old.params.source.text
        after = new.layers.source.text + new.params.source.text
        assert len(lines) == 1 and len(after) == len(before) + 1, key
