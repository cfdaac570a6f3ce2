"""The words in a box: the type of a layer, its sizes, the size of its output."""

from convnet.layers import Layer, Shape

# The family of a type decides its color.  Types that are not listed belong to "other".
_FAMILIES = {
    "data": ("data",),
    "conv": ("conv", "local"),
    "fc": ("fc", "sfc", "treefc"),
    "pool": ("pool", "cmpool", "nailbed"),
    "norm": ("cmrnorm", "rnorm", "cnorm"),
}
_FAMILY_OF = {name: family for family, names in _FAMILIES.items() for name in names}


def family(layer: Layer) -> str:
    """Return the family of a layer: data, conv, fc, pool, norm, cost or other."""
    return "cost" if layer.is_cost else _FAMILY_OF.get(layer.type_name, "other")


def size(shape: Shape) -> str:
    """Return an output's size: columns x rows x channels, or the number of values."""
    if shape.height * shape.width == 1:
        return f"{shape.channels:,}"
    return f"{shape.width} × {shape.height} × {shape.channels}"


def details(layer: Layer, neuron: str | None) -> str:
    """Return one line about a layer, such as "conv 5 × 5, stride 2 · relu"."""
    words = [_sizes(layer)]
    if neuron and layer.type_name != "neuron":
        words.append(neuron)
    elif neuron:
        words = [neuron]
    return " · ".join(words)


def _sizes(layer: Layer) -> str:
    name, kind = layer.type_name, family(layer)
    if kind == "data":
        return f"data, matrix {layer.field_value('data_idx')}"
    if kind == "conv":
        return f"{name} {_windows(layer)}"
    if kind == "pool" and name == "pool":
        side = layer.field_value("size_x")
        return f"{layer.field_value('pool')} pool {side} × {side}{_stride(layer)}"
    if kind == "norm":
        return f"{name}, size {layer.field_value('size')}"
    return name


def _windows(layer: Layer) -> str:
    sides = dict.fromkeys(layer.field_value("filter_size"))
    groups = max(layer.field_value("groups"))
    text = ", ".join(f"{side} × {side}" for side in sides) + _stride(layer)
    return text + (f", {groups} groups" if groups > 1 else "")


def _stride(layer: Layer) -> str:
    value = layer.field_value("stride")
    strides = list(dict.fromkeys(value)) if isinstance(value, (list, tuple)) else [value]
    if strides == [1]:
        return ""
    return f", stride {', '.join(map(str, strides))}"
