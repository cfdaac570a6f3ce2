"""`convnet check`: lint spec files."""

import re

from convnet import nets
from convnet.commands.build_graph import build_without_data
from convnet.commands.console import note, result, result_json
from convnet.errors import ConvnetError, SpecError
from convnet.language import read_source
from convnet.language.specs import RunDefaults, Specs

# A line that gives a layer its type, found without reading the file as a whole.
_TYPE = re.compile(r"^type[ \t]*[=:]", re.MULTILINE | re.IGNORECASE)


def check(files, dialect, strict, data_dims, classes, as_json) -> int:
    reports = [
        _check_pair(layers, params, dialect, strict, data_dims, classes)
        for layers, params in _pairs(files)
    ]
    if as_json:
        result_json(reports)
    else:
        for report in reports:
            _print(report)
    return 0 if all(report["ok"] for report in reports) else 1


def _pairs(files):
    """(layer file, params file or None): a file without `type=` belongs to the one before it.

    The params file of a shipped net may be left out.
    """
    pairs, shipped = [], []
    for file in files:
        source = read_source(nets.layer_file(file))
        if _TYPE.search(source.text) or not pairs or pairs[-1][1] is not None:
            pairs.append((source, None))
            shipped.append(nets.find(file))
        else:
            pairs[-1] = (pairs[-1][0], source)
    return [
        (layers, read_source(net.params) if net and params is None else params)
        for (layers, params), net in zip(pairs, shipped, strict=True)
    ]


def _check_pair(layers, params, dialect, strict, data_dims, classes):
    report = {"layers": layers.path, "params": params.path if params else None, "ok": False}
    specs = Specs.parse(layers, params)
    try:
        RunDefaults(specs.params, specs.problems)
        graph, assumed = build_without_data(specs, dialect, data_dims, classes, strict)
        report |= {"ok": True, "assumed": assumed}
        report |= {"dialect": graph.dialect.name, "because": graph.dialect.because}
        report["layer_count"] = len(graph.declared())
    except SpecError as error:
        report["problems"] = [str(problem) for problem in error.problems]
    except ConvnetError as error:
        report["problems"] = [str(error)]
    report["warnings"] = (
        [str(w) for w in specs.problems.warnings] if report["ok"] or not strict else []
    )
    return report


def _print(report):
    for line in [*report.get("problems", []), *report["warnings"]]:
        note(line)
    if report["ok"]:
        names = report["layers"] + (f" with {report['params']}" if report["params"] else "")
        warnings = len(report["warnings"])
        counted = f", {warnings} warning{'s' * (warnings != 1)}" if warnings else ""
        result(f"{names}: ok, {report['layer_count']} layers, dialect {report['dialect']}{counted}")
        if report["assumed"]:
            result(f"  {report['assumed']}")
