"""`convnet describe`: what a network consists of and costs."""

import sys
from typing import Any

from convnet.cli_options.specs import DescribeArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.output.console import note, result, result_json, styled, warn
from convnet.commands.output.drawings import refuse_drawing, write_drawing
from convnet.commands.read_specs import read_specs
from convnet.drawing import draw_network
from convnet.graph.build import Graph
from convnet.network.planner import make_plan
from convnet.report.describe import network_summary
from convnet.report.describe_table import console, print_description
from convnet.report.steps import step_lines


def describe(arguments: DescribeArguments) -> None:
    """Print a network's summary, as tables or JSON, and its steps if asked for."""
    if arguments.drawing is not None:
        refuse_drawing(arguments.drawing)
    spec = arguments.spec.with_files()
    specs, language = read_specs(spec)
    graph, assumed = build_without_data(specs, language, arguments.dims)
    warn(specs.problems.warnings)
    summary = network_summary(graph, arguments.minibatch, arguments.ranks)
    if arguments.as_json:
        result_json(summary)
    else:
        _print(graph, summary, assumed, arguments)
    if arguments.drawing is not None and spec.layers is not None:
        tell = note if arguments.as_json else result
        write_drawing(draw_network(graph, spec.layers.stem), arguments.drawing, tell=tell)


def _print(
    graph: Graph, summary: dict[str, Any], assumed: str, arguments: DescribeArguments
) -> None:
    if assumed:
        result(assumed)
    print_description(graph, summary, console(styled(sys.stdout)))
    if arguments.steps:
        result()
        for line in step_lines(make_plan(graph, arguments.minibatch)):
            result(line)
