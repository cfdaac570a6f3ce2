"""`convnet describe`: what a network is."""

from convnet.commands.build_graph import build_without_data
from convnet.commands.console import result, result_json, warn
from convnet.language.specs import Specs
from convnet.network.planner import make_plan
from convnet.report.describe import network_summary
from convnet.report.describe_table import console, print_description
from convnet.report.steps import step_lines


def describe(**given) -> None:
    specs = Specs.read(given["layers"], given["params"])
    wanted = {name: given[name] for name in ("dialect", "data_dims", "classes", "strict")}
    graph, assumed = build_without_data(specs, **wanted)
    warn(specs.problems.warnings)
    summary = network_summary(graph, given["minibatch"])
    if given["as_json"]:
        result_json(summary)
        return
    if assumed:
        result(assumed)
    print_description(graph, summary, console())
    if given["steps"]:
        result()
        for line in step_lines(make_plan(graph, given["minibatch"])):
            result(line)
