"""`convnet draw`: a drawing of a network, as SVG or as a picture."""

import click

from convnet.cli_options.draw import DrawArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.load_network import load
from convnet.commands.output.console import note, warn
from convnet.commands.output.drawings import refuse_drawing, write_drawing
from convnet.commands.read_specs import read_specs
from convnet.drawing import draw_network
from convnet.errors import ConvnetError
from convnet.graph.build import Graph


def draw(arguments: DrawArguments) -> None:
    """Write the drawing of a pair of files, or of a checkpoint's network."""
    refuse_drawing(arguments.out)
    graph, title = _graph(arguments)
    scene = draw_network(graph, arguments.title or title)
    write_drawing(scene, arguments.out, arguments.theme)


def _graph(arguments: DrawArguments) -> tuple[Graph, str]:
    """The graph to draw and its title."""
    if arguments.layers is None:
        if arguments.language.settings or arguments.language.replicas is not None:
            raise click.UsageError("--set and --replicas change a network's files: give --layers.")
        saved = load(arguments.load)
        note(f"{saved.path}")
        return saved.graph(), saved.path.parent.name
    if arguments.load is not None:
        raise ConvnetError("--load and --layers both name a network; give one of them")
    spec = arguments.spec()
    specs, language = read_specs(spec)
    graph, assumed = build_without_data(specs, language, arguments.dims)
    warn(specs.problems.warnings)
    if assumed:
        note(assumed)
    return graph, spec.layers.stem
