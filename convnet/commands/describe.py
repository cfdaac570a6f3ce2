"""`convnet describe`: what a network is."""

from convnet.commands.output import result, result_json, warn
from convnet.graph.assume import assumed_dims, assumed_tree
from convnet.graph.build import build
from convnet.network.plan import make_plan
from convnet.report.describe import network_summary
from convnet.report.describe_table import console, print_description
from convnet.report.steps import step_lines
from convnet.specs import Specs


def describe(**given) -> None:
    specs = Specs.read(given["layers"], given["params"])
    dims, assumed = assumed_dims(specs.layers, given["data_dims"], given["classes"])
    tree, made_up = assumed_tree(specs.layers, given["classes"])
    graph = build(
        specs.layers,
        specs.params,
        specs.problems,
        dialect=given["dialect"],
        data_dims=dims,
        classes=given["classes"],
        tree=tree,
    )
    specs.problems.raise_errors(strict=given["strict"])
    warn(specs.problems.warnings)
    summary = network_summary(graph, given["minibatch"])
    if given["as_json"]:
        result_json(summary)
        return
    for line in filter(None, [assumed, made_up]):
        result(line)
    print_description(graph, summary, console())
    if given["steps"]:
        result()
        for line in step_lines(make_plan(graph, given["minibatch"])):
            result(line)
