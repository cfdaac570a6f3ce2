"""The documentation of the layer types, made from their declarations: `convnet layers`."""

from collections.abc import Collection
from inspect import cleandoc
from textwrap import wrap

from convnet.graph.dialect import TITLES
from convnet.language.fields import Field
from convnet.language.schedule import Schedule
from convnet.layers import LAYER_TYPES, Layer
from convnet.layers.base import Layer as Base
from convnet.layers.nonlinearity import DEFAULTS, NEURONS

WIDTH = 96
NAME_WIDTH = 16
SCHEDULES = """Learning rates: epsW, epsB are numbers r, or schedules over the run, p from 0 to 1.
  const                       r
  linear                      r(1-p) + (r/T)p
  exp                         r·T^(-p)
  dexp                        n plateaus from r down to r/T
  jdexp                       dexp with a step between each two plateaus
In the value itself (cuda-convnet2):          epsW=dexp[base=r;tgtFactor=T;numSteps=n]
or beside the rate (2012 source):             schedW=dexp[tgtFactor=T,numSteps=n]
older, by position:                           schedW=dexp[T,noise,n] or dexp[T,n], linear[T,noise]
noiseStdev=s, where given, multiplies each use of the rate by 1 + |N(0,1)|·s."""


def layer_list() -> str:
    """Return all layer types with their first lines, the neurons and the schedules."""
    lines = ["Layer types (`convnet layers TYPE` lists the keys of one):"]
    lines += [_entry(name, formula(cls)) for name, cls in sorted(LAYER_TYPES.items())]
    return "\n".join([*lines, "", neuron_page(), "", SCHEDULES]) + "\n"


def layer_page(type_name: str) -> str:
    """Return the documentation of one layer type; KeyError if there is none of that name."""
    cls = LAYER_TYPES[type_name]
    lines = [f"type={type_name}", "", cleandoc(cls.__doc__ or ""), ""]
    lines += [f"Inputs: {inputs_text(cls)}.", f"Systems: {systems_text(cls.dialects)}."]
    if cls.needs_params:
        lines.append("Needs a section of its name in the params file.")
    hidden = {"type"} if cls.has_neuron or cls.requires_neuron else {"type", "neuron"}
    own = {name: f for name, f in cls.fields.items() if name not in hidden}
    for file, title in (
        ("layers", "Keys of the layer file"),
        ("params", "Keys of the params file"),
    ):
        found = [f for f in own.values() if f.file in (file, "either")]
        found.sort(key=lambda f: (not f.required, f.name in Base.fields))
        if found:
            lines += ["", title + ":"]
            lines += [line for f in found for line in _field(f, cls)]
    if cls.requires_neuron:
        lines += ["", neuron_page()]
    if "eps_w" in own:
        lines += ["", SCHEDULES]
    return "\n".join(lines) + "\n"


def neuron_page() -> str:
    """Return the documentation of the nonlinearities: how they are written, what they compute."""
    lines = ["Neurons (neuron=... is a key of all layers but data, costs and neuron layers):"]
    for name, neuron in NEURONS.items():
        parameters = ",".join(neuron.parameters)
        form = f"{name}[{parameters}]" if parameters else name
        default = DEFAULTS.get(name)
        alone = (
            f"; {name} alone is {name}[{','.join(f'{v:g}' for v in default)}]" if default else ""
        )
        lines.append(_entry(form, f"{neuron.formula}   f' = {neuron.derivative}{alone}"))
    return "\n".join(lines)


def formula(cls: type[Layer]) -> str:
    """Return the first line of a layer type's documentation, without its references."""
    first = cleandoc(cls.__doc__ or "").split("\n")[0]
    return first.split("   (")[0].split("  (")[0].rstrip(":")


def _entry(name, text):
    room = WIDTH - NAME_WIDTH - 2
    first, *rest = wrap(text, room, break_on_hyphens=False) or [""]
    indent = " " * (NAME_WIDTH + 2)
    return "\n".join([f"  {name:{NAME_WIDTH}}{first}", *(indent + line for line in rest)])


def inputs_text(cls: type[Layer]) -> str:
    """Return how many inputs a layer type has."""
    low, high = cls.input_count
    if high == 0:
        return "none"
    return str(low) if low == high else f"{low} or more" if high >= 64 else f"{low} to {high}"


def systems_text(names: Collection[str]) -> str:
    """Return the original systems, by the names of their dialects, that support something."""
    if set(names) >= {"cc1", "chm", "cc2"}:
        return "all three, and our own files"
    shown = [TITLES[name] for name in names if name != "convnet"]
    return ", ".join([*shown, "our own files"]) if shown else "our own files only"


def _field(field: Field, cls) -> list[str]:
    """Return the lines of a key: name and meaning, then allowed values and default."""
    facts = [field.range_text(), "required" if field.required else f"default {default_text(field)}"]
    if field.per_input:
        facts.append("one for each input, or one for all")
    if field.file == "either":
        facts.append("in either file")
    if field.dialects:
        facts.append(f"systems: {systems_text(field.dialects)}")
    indent = " " * (NAME_WIDTH + 2)
    lines = _wrapped(field.help, indent)
    lines[0] = f"  {field.key:{NAME_WIDTH}}{lines[0].strip()}"
    return lines + _wrapped("; ".join(facts), indent)


def _wrapped(text, indent) -> list[str]:
    return wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def default_text(field: Field) -> str:
    """Return the default of a key as it is written in files."""
    value = field.default
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Schedule):
        return "default"
    return f"{value:g}" if isinstance(value, float) else str(value)
