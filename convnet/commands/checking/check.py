"""`convnet check`: report the errors and warnings of layer and parameter files."""

import re
from collections.abc import Iterable
from pathlib import Path

from convnet import nets
from convnet.cli_options.specs import CheckArguments
from convnet.commands.build_graph import GuessError, build_without_data
from convnet.commands.output.console import note, result, result_json
from convnet.commands.read_specs import with_replicas, with_settings
from convnet.errors import ConvnetError, SpecError
from convnet.graph.dialect import recognize
from convnet.language import Source, read_source
from convnet.language.specs import RunDefaults, Specs

# A line that gives a layer its type, found without parsing the file.
_TYPE = re.compile(r"^type[ \t]*[=:]", re.MULTILINE | re.IGNORECASE)


def check(arguments: CheckArguments) -> int:
    """Print a report on each pair of files; return exit code 1 if one has errors."""
    pairs = pairs_of(arguments.files)
    reports = [_check_pair(layers, params, arguments) for layers, params in pairs]
    if arguments.as_json:
        result_json(reports)
    else:
        for report in reports:
            _print(report)
    return 0 if all(report["ok"] for report in reports) else 1


def pairs_of(files: Iterable[Path]) -> list[tuple[Source, Source | None]]:
    """Return layer files, each with its parameter file or None.

    A file without `type=` belongs to the one before it.  The parameter file of a shipped net may be
    left out.
    """
    pairs: list[tuple[Source, Source | None]] = []
    shipped = []
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


def _check_pair(layers, params, arguments):
    report = {"layers": layers.path, "params": params.path if params else None, "ok": False}
    specs = Specs.parse(layers, params)
    try:
        specs = with_settings(specs, arguments.language)
        RunDefaults(specs.params, specs.problems)
        specs, language = with_replicas(specs, arguments.language)
        graph, assumed = build_without_data(specs, language, arguments.dims)
        report |= {"ok": True, "assumed": assumed}
        report |= {"dialect": graph.dialect.name, "because": graph.dialect.because}
        report["layer_count"] = len(graph.declared())
    except GuessError as error:
        report |= {"ok": True, "assumed": error.assumed, "layer_count": len(specs.layers.sections)}
        report["unchecked"] = [str(problem) for problem in error.problems[:-1]]
        report["dialect"] = recognize(specs.layers, specs.params).name
    except SpecError as error:
        report["problems"] = [str(problem) for problem in error.problems]
    except ConvnetError as error:
        report["problems"] = [str(error)]
    are_errors = arguments.language.strict and not report["ok"]  # then `problems` has them
    report["warnings"] = [] if are_errors else [str(each) for each in specs.problems.warnings]
    return report


def _print(report):
    for line in [*report.get("problems", []), *report["warnings"]]:
        note(line)
    for line in report.get("unchecked", []):
        note(f"not checked, for want of the size of the images: {line}")
    if report["ok"]:
        names = report["layers"] + (f" with {report['params']}" if report["params"] else "")
        warnings = len(report["warnings"])
        counted = f", {warnings} warning{'s' * (warnings != 1)}" if warnings else ""
        result(f"{names}: ok, {report['layer_count']} layers, dialect {report['dialect']}{counted}")
        if report["assumed"]:
            result(f"  {report['assumed']}")
