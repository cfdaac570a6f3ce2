"""`convnet warm`: compile the kernels of networks before they are used."""

from pathlib import Path

from convnet import nets
from convnet.backends.cpu.engine import Engine
from convnet.cli_options.specs import WarmArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.checking.check import pairs_of
from convnet.commands.output.console import note, result, warn
from convnet.commands.read_specs import with_replicas, with_settings
from convnet.data.pipeline.arrange import compile_packed, compile_planes
from convnet.errors import DeviceError
from convnet.graph.build import Graph
from convnet.language.specs import RunDefaults, Specs
from convnet.network.planner import make_plan
from convnet.network.prune_buffers import leave_out


def warm(arguments: WarmArguments) -> int:
    """Compile the kernels of each network; return exit code 1 if one does not fit the machine."""
    files = arguments.files or tuple(Path(net.name) for net in nets.shipped())
    compile_packed()
    compile_planes()
    good = True
    for layers, params in pairs_of(files):
        specs = with_settings(Specs.parse(layers, params), arguments.language)
        defaults = RunDefaults(specs.params, specs.problems)
        specs, language = with_replicas(specs, arguments.language)
        graph, assumed = build_without_data(specs, language, arguments.dims)
        warn(specs.problems.warnings)
        if assumed:
            note(f"{layers.path}: {assumed}")
        try:
            compile_kernels(graph, arguments.minibatch or defaults.minibatch)
        except DeviceError as error:
            note(f"{layers.path}: {error}")
            good = False
        else:
            result(f"{layers.path}: its kernels are on disk")
    return 0 if good else 1


def compile_kernels(graph: Graph, minibatch: int) -> None:
    """Compile all CPU kernels of a network that are not on disk.

    It needs next to no memory: that of a network is allocated, but nothing is written there.
    DeviceError for a network that the machine has too little memory for.
    """
    engine, plan = Engine(), make_plan(graph, minibatch)
    leave_out(plan, engine.unused)
    engine.allocate(plan.buffers, plan.capacity)
    steps = [step for program in plan.programs.values() for step in program]
    engine.compile(steps, plan.sizes(minibatch))
