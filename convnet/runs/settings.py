"""All that a run was made with, as flat texts, so that runs can be compared."""

from collections.abc import Mapping
from typing import Any

from convnet.language import Problems, Source, parse


def settings_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the options and the keys of both files of a checkpoint, by name.

    facts: the metadata of a checkpoint (`convnet.checkpoint.read_header`).  Options have names such
    as "--minibatch", keys such as "conv1.epsW".
    """
    found = {"--seed": str(facts["seed"]), "--data": facts["data"]}
    options = dict(facts["options"])
    for name, value in {**options, **(options.get("data_options") or {})}.items():
        if value not in (None, "") and not isinstance(value, dict) and name != "data":
            found["--" + name.replace("_", "-")] = _shown(value)
    for kind in ("layers", "params"):
        found |= _keys(Source(facts[f"{kind}_path"], facts[kind]))
    return found


def _keys(source: Source) -> dict[str, str]:
    """The keys of a file; it was read before, so it holds no errors that matter here."""
    sections = parse(source, Problems()).sections
    return {
        f"{section.name}.{entry.key}": " ".join(entry.value.text.split())
        for section in sections
        for entry in section.entries.values()
    }


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
