"""Makes a network data parallel: its files get the devices of replicas, in every layer."""

from convnet.errors import SpecError
from convnet.graph.dialect import Dialect, recognize
from convnet.language import Problem, Section
from convnet.language.edit import Editor
from convnet.language.specs import Specs

OPTION = "--replicas"


def replicate(specs: Specs, count: int, dialect: str | None = None) -> tuple[Specs, str | None]:
    """Return files whose layers, but for data layers, have `gpu=0,...,count-1`, and their dialect.

    The dialect is that of the files as they are, which the new key would change; dialect: the one
    that was asked for.  Files with errors, and with a count of 1, stay as they are.

    Raises SpecError if the files name devices already, or their dialect has none.
    """
    found = Dialect(dialect, "requested") if dialect else recognize(specs.layers, specs.params)
    if count == 1 or specs.problems.errors:
        return specs, dialect
    placed = [section for section in specs.layers.sections if "gpu" in section.entries]
    problems = [_named(section) for section in placed[:1]]
    if not found.reads_gpu and found.certain:
        text = f"{OPTION}: files of {found.title} name no devices; read them with --dialect chm"
        problems = [Problem(None, text)]
    if problems:
        raise SpecError(problems)
    devices = ",".join(map(str, range(count)))
    editor = Editor(specs.layers)
    for section in specs.layers.sections:
        if not _is_data(section):
            editor.set(section.name, "gpu", devices, OPTION)
    params = specs.params.source if specs.params else None
    # files that are of cuda-convnet 1 or of the 2012 source mean the same in the second
    name = found.name if found.certain else "chm"
    return Specs.parse(editor.source(), params), name


def _named(section: Section) -> Problem:
    entry = section.entries["gpu"]
    return Problem(
        entry.key_span,
        f"{section.name} is on device {entry.value.text} by the file; {OPTION} is for networks on "
        "one device",
        f"leave {OPTION} out, or the devices in the file",
    )


def _is_data(section: Section) -> bool:
    entry = section.entries.get("type")
    return entry is not None and entry.value.text == "data"
