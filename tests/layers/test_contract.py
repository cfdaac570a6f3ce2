"""What `Layer` promises: the order in which a layer is used, and what changes it."""

from types import SimpleNamespace

import pytest

from convnet.graph.place import place
from convnet.layers import LAYER_TYPES, FieldError, Layer, Shape
from convnet.layers.conv import Convolution
from convnet.network.planner import make_plan
from tests.support.cases import CASES
from tests.support.rows import graph_of, texts

QUESTIONS = (
    "output_shape",
    "weights",
    "biases",
    "saved_for_backward",
    "tables",
    "slices",
    "backward_reads_input",
    "backward_reads_output",
    "may_work_in_place",
    "multiply_adds",
    "sizes",
    "learning",
    "missing",
)


def state(layer: Layer) -> str:
    return repr(sorted(vars(layer).items(), key=lambda item: item[0]))


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.name)
def test_nothing_changes_a_layer_after_the_build(row):
    """Neither a question, nor placing, nor recording its calls, and so answers do not change."""
    graph = graph_of(*texts(row), row.data_dims(), row.tree)
    layers = [node.layer for node in graph.nodes]
    before = [state(layer) for layer in layers]
    answers = [[repr(getattr(layer, name)()) for name in QUESTIONS] for layer in layers]
    place(graph)
    make_plan(graph, row.cases, train_all=True, input_gradients=True)
    assert [state(layer) for layer in layers] == before
    again = [[repr(getattr(layer, name)()) for name in QUESTIONS] for layer in layers]
    assert again == answers


def test_the_base_class_answers_every_question():
    """Each hook has a default: an elementwise layer says nothing but its calls."""
    layer = Layer("plain")
    layer.bind([Shape(3, 4, 4)])
    assert [getattr(layer, name)() for name in QUESTIONS] == [
        Shape(3, 4, 4), [], None, {}, {}, [], True, True, False, 0, {}, {}, []
    ]  # fmt: skip
    assert layer.warnings([]) == [] and layer.shared_mismatch(0, layer, 0) == ""
    assert not layer.uses_random and layer.squashing is None and not layer.fused
    with pytest.raises(NotImplementedError):
        layer.forward(None, None)


def test_a_layer_can_be_bound_without_a_graph():
    layer = Convolution("conv1")
    settings = {"channels": 3, "filters": 8, "filter_size": 5, "padding": 2}
    for name, field in layer.fields.items():
        value = (settings[name],) if name in settings else field.default_for(1)
        layer.set_field(name, value)
    layer.set_field("init_w", (0.01,))
    layer.set_field("eps_w", (layer.sched_w,))
    layer.set_field("eps_b", layer.sched_w)
    layer.bind([Shape(3, 32, 32)])
    assert layer.output_shape() == Shape(8, 32, 32)
    assert [weight.shape for weight in layer.weights()] == [(3, 5, 5, 8)]
    layer.set_field("filter_size", (99,))
    layer.set_field("inputs", (SimpleNamespace(text="image"),))
    with pytest.raises(FieldError, match="filters of side 99 do not fit image") as wrong:
        layer.bind([Shape(3, 32, 32)])
    assert (wrong.value.field_name, wrong.value.index) == ("filter_size", 0)


@pytest.mark.parametrize("name", LAYER_TYPES)
def test_a_dropped_field_is_no_key_of_the_type(name):
    cls = LAYER_TYPES[name]
    for field in cls.dropped_fields:
        assert field not in cls.fields and getattr(cls, field) is None
