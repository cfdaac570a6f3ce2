"""The files of a net, fitted to another number of classes."""

import pytest

from convnet.errors import DataError, SpecError
from convnet.graph.build import build
from convnet.graph.fit_classes import fit_classes
from convnet.language import Source
from convnet.language.specs import Specs
from tests.support.paths import ROOT

HEAD = """[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
"""
TAIL = """[probs]
type=softmax
inputs=last
[logprob]
type=cost.logreg
inputs=labels,probs
"""


def specs(layers, params="[logprob]\ncoeff=1\n"):
    return Specs.parse(Source.from_text(layers, "a.cfg"), Source.from_text(params, "a.params"))


def shipped(name):
    return Specs.read(ROOT / f"layers/{name}.cfg", ROOT / f"params/{name}.params")


def changed(before, after):
    """The lines of a text that are not as they were."""
    pairs = zip(before.source.text.split("\n"), after.source.text.split("\n"), strict=True)
    return [new for old, new in pairs if old != new]


@pytest.mark.parametrize("name", ["alexnet", "alexnet-groups", "alexnet-6conv"])
def test_alexnet(name):
    """A single value of each file, and the net then builds with these classes."""
    old = shipped(name)
    new, lines = fit_classes(old, 3)
    assert lines == ["fc8: outputs 1000 -> 3", "logprob: topk 5 -> 3"]
    assert changed(old.layers, new.layers) == ["outputs=3"]
    assert changed(old.params, new.params) == ["topk=3"]
    dims = {0: 3 * 224 * 224, 1: 1}
    graph = build(new.layers, new.params, new.problems, data_dims=dims, classes=3)
    new.problems.raise_errors()
    assert graph.node("probs").shape.size == 3


def test_more_classes_leave_topk():
    new, lines = fit_classes(shipped("alexnet"), 5000)
    assert lines == ["fc8: outputs 1000 -> 5000"]


def test_files_that_fit_are_left_alone():
    old = shipped("cifar10")
    assert fit_classes(old, 10) == (old, [])


def test_comments_spaces_and_other_keys_stay():
    layers = f"""{HEAD}; outputs=10 in a comment
[last]
type=fc
inputs=data
OutPuts = 10 ; the classes
initW=0.1
{TAIL}"""
    new, lines = fit_classes(specs(layers), 101)
    assert new.layers.source.text == layers.replace("= 10 ;", "= 101 ;")
    assert lines == ["last: outputs 10 -> 101"]


def test_every_fc_layer_that_is_added_up():
    parts = "[{0}]\ntype=fc\ninputs=data\noutputs=10\n"
    layers = HEAD + parts.format("a") + parts.format("b")
    layers += "[last]\ntype=eltsum\ninputs=a,b\n" + TAIL
    new, lines = fit_classes(specs(layers), 4)
    assert lines == ["a: outputs 10 -> 4", "b: outputs 10 -> 4"]
    assert new.layers.source.text == layers.replace("=10", "=4")


def test_two_costs_and_a_matrix_of_classes():
    fc = "[{0}]\ntype=fc\ninputs=data\noutputs=10\n[{0}p]\ntype=softmax\ninputs={0}\n"
    layers = HEAD + "[matrix]\ntype=data\ndataIdx=2\n" + fc.format("a") + fc.format("b")
    layers += "[one]\ntype=cost.logreg\ninputs=labels,ap\n"
    layers += "[two]\ntype=cost.crossent\ninputs=matrix,bp\n"
    assert fit_classes(specs(layers), 4)[1] == ["a: outputs 10 -> 4", "b: outputs 10 -> 4"]


def test_a_cost_of_pixels_is_left_alone():
    """An autoencoder compares with the data itself."""
    layers = HEAD + "[last]\ntype=fc\ninputs=data\noutputs=12\n[probs]\ntype=softmax\ninputs=last\n"
    layers += "[c]\ntype=cost.crossent\ninputs=data,probs\n"
    with pytest.raises(DataError, match="a.cfg has no cost over classes, such as cost.logreg"):
        fit_classes(specs(layers), 4)


@pytest.mark.parametrize("end", ["", "%(n)s"])
def test_values_from_default_are_set_in_the_section(end):
    """Other sections keep theirs; a reference is replaced where it stands."""
    default = "[DEFAULT]\noutputs=10\nn=10\n"
    own = f"outputs={end}\n" if end else ""
    layers = f"{default}{HEAD}[hidden]\ntype=fc\ninputs=data\n[last]\ntype=fc\ninputs=hidden\n{own}"
    new, lines = fit_classes(specs(layers + TAIL), 7)
    values = {s.name: s.entries["outputs"].value.text for s in new.layers.sections}
    assert (values["hidden"], values["last"]) == ("10", "7") and lines == ["last: outputs 10 -> 7"]


@pytest.mark.parametrize("kind", ["conv", "local", "concat"])
def test_outputs_of_other_layers_are_refused(kind):
    layers = f"{HEAD}[last]\ntype={kind}\ninputs=data\nchannels=3\nfilters=10\nfilterSize=8\n{TAIL}"
    message = f"4 classes would be outputs of 'last', which is of type {kind}; only those of fc"
    with pytest.raises(DataError, match=message):
        fit_classes(specs(layers), 4)


def test_a_circle_and_unknown_names_are_left_to_the_builder():
    layers = f"{HEAD}[last]\ntype=eltsum\ninputs=last,nobody\n{TAIL}"
    old = specs(layers)
    assert fit_classes(old, 4) == (old, [])
    with pytest.raises(SpecError):
        build(old.layers, old.params, old.problems, data_dims={0: 12, 1: 1})
        old.problems.raise_errors()
