"""Writes docs/language.md: a hand-written guide, and a reference made from the declarations.

    python -m convnet.report.language docs        (or `make docs`)

reads docs/language.template.md and writes docs/language.md; a test compares the two.
"""

import sys
from inspect import cleandoc
from pathlib import Path

from convnet.language.fields import Field
from convnet.layers import LAYER_TYPES, Layer
from convnet.layers.base import Layer as Base
from convnet.layers.cost import Cost
from convnet.layers.nonlinearity import NEURONS, form
from convnet.layers.weighted import WeightLayer
from convnet.report.layer_docs import SCHEDULES, default_text, inputs_text, systems_text

TEMPLATE, PAGE = "language.template.md", "language.md"
_SHARED = (
    (Base, "Keys of all layers"),
    (WeightLayer, "Keys of all layers with weights"),
    (Cost, "Keys of all costs"),
)


def language_page(guide: str) -> str:
    """Return the guide, followed by the reference."""
    lines = [guide.rstrip(), "", "## Reference", "", _PREFACE, ""]
    for cls, title in _SHARED:
        lines += [f"### {title}", "", *_table(_own(cls)), ""]
    for name, cls in sorted(LAYER_TYPES.items()):
        lines += [*_type_section(name, cls), ""]
    lines += ["### Neurons", "", _NEURONS_PREFACE, "", *_neurons(), ""]
    lines += ["### Schedules", "", *_block(SCHEDULES)]
    return "\n".join(lines) + "\n"


_PREFACE = """\
This reference is made from the declarations that read the files. "l" is a key of the layer file,
"p" one of the parameter file, "l, p" of either. ⁿ marks keys with one value for each input, or one
for all. "Systems" are those of the three original systems that support a type or key; our own files
support all of them."""
_NEURONS_PREFACE = """\
`neuron=...` on a layer, or a layer of type `neuron`, computes y = f(x) for each value; `tanh` alone
is `tanh[1,1]`."""


def _type_section(name, cls):
    facts = [f"inputs: {inputs_text(cls)}", f"systems: {systems_text(cls.dialects)}"]
    if cls.needs_params:
        facts.append("needs a section of its name in the parameter file")
    families = [title for base, title in _SHARED[1:] if issubclass(cls, base)]
    if families:
        facts.append(f"also the {families[0].lower()}")
    lines = [f"### {name}", "", *_block(cleandoc(cls.__doc__ or "")), ""]
    text = "; ".join(facts)
    lines.append(text[0].upper() + text[1:] + ".")
    inherited = {id(field) for base, _ in _SHARED for field in _own(base)}
    own = [field for field in cls.fields.values() if id(field) not in inherited]
    return lines + (["", *_table(own)] if own else [])


def _own(cls: type[Layer]) -> list[Field]:
    """Return the keys that a class itself declares."""
    return [field for field in vars(cls).values() if isinstance(field, Field)]


def _table(fields):
    lines = ["| key | in | values | default | meaning |", "|---|---|---|---|---|"]
    for field in sorted(fields, key=lambda f: (f.file == "params", not f.required)):
        place = {"layers": "l", "params": "p", "either": "l, p"}[field.file]
        default = "required" if field.required else f"`{default_text(field)}`"
        default = "" if default == "`none`" else default
        meaning = field.help
        if field.dialects:
            meaning += f" (systems: {systems_text(field.dialects)})"
        key = f"`{field.key}`" + "ⁿ" * field.per_input
        cells = [key, place, _cell(field.range_text()), default, _cell(meaning)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(text: str) -> str:
    """Escape text for a Markdown table."""
    for character in r"\|*_[]<>":
        text = text.replace(character, "\\" + character)
    return text


def _neurons():
    lines = ["| neuron | y = f(x) | f'(x) | systems |", "|---|---|---|---|"]
    for name, neuron in NEURONS.items():
        shown = (_cell(neuron.formula), _cell(neuron.derivative), systems_text(neuron.dialects))
        lines.append(f"| `{form(name)}` | {' | '.join(shown)} |")
    return lines


def _block(text):
    return ["```text", *text.split("\n"), "```"]


def write_page(folder: Path) -> Path:
    """Write the page of a docs folder from its template; return its path."""
    guide = (folder / TEMPLATE).read_text(encoding="utf-8")
    (folder / PAGE).write_text(language_page(guide), encoding="utf-8")
    return folder / PAGE


if __name__ == "__main__":
    print(write_page(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
