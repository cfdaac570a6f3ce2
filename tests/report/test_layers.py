"""The documentation of layer types comes from the declarations that read them."""

import pytest

from convnet.layers import LAYER_TYPES
from convnet.layers.nonlinearity import NEURONS
from convnet.report.layer_docs import formula, layer_list, layer_page


@pytest.mark.parametrize("name", sorted(LAYER_TYPES))
def test_page(name):
    page = layer_page(name)
    cls = LAYER_TYPES[name]
    assert page.startswith(f"type={name}\n") and formula(cls) in page
    for field in cls.fields.values():
        hidden = field.key == "type" or (field.key == "neuron" and not cls.has_neuron)
        assert hidden or f"\n  {field.key} " in page or name == "neuron"
        assert field.help, f"{name}.{field.key} has no help"
    assert all(len(line) <= 100 for line in page.splitlines())
    assert ("Needs a section" in page) == cls.needs_params


def test_keys_tell_ranges_defaults_and_systems():
    page = " ".join(layer_page("conv").split())
    assert "filterSize side of the filters an integer, at least 1; required;" in page
    assert "stride distance between windows an integer, at least 1; default 1;" in page
    assert "at least 0 and less than 1; required" in page
    assert "systems: cuda-convnet2, our own files" in page
    assert "systems: our own files only" in " ".join(layer_page("data").split())


def test_list_names_everything():
    text = layer_list()
    assert all(f"\n  {name} " in text for name in LAYER_TYPES)
    assert all(name in text for name in NEURONS)
    assert "dexp" in text and "schedW" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_unknown_type():
    with pytest.raises(KeyError):
        layer_page("conf")
