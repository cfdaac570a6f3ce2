"""`convnet draw`: a drawing of a network, as SVG or as a picture."""

from convnet.cli_options.draw import DrawArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.load_network import load
from convnet.commands.output.console import note, result, warn
from convnet.commands.output.output_files import (
    refuse_folder,
    refuse_picture,
    write_picture,
    writing,
)
from convnet.commands.replicas import with_replicas
from convnet.drawing import draw_network, picture, svg
from convnet.errors import ConvnetError
from convnet.graph.build import Graph
from convnet.language.specs import Specs

SVG = ".svg"


def draw(arguments: DrawArguments) -> None:
    """Write the drawing of a pair of files, or of a checkpoint's network."""
    out = arguments.out
    (refuse_folder if out.suffix.lower() == SVG else refuse_picture)(out)
    graph, title = _graph(arguments)
    scene = draw_network(graph, arguments.title or title)
    if out.suffix.lower() == SVG:
        with writing(out) as temporary:
            temporary.write_text(svg(scene, arguments.theme), encoding="utf-8")
        result(f"{out}: {scene.width:g}x{scene.height:g} pixels")
    else:
        write_picture(picture(scene, arguments.theme or "light"), out)


def _graph(arguments: DrawArguments) -> tuple[Graph, str]:
    """The graph to draw and its title."""
    if arguments.layers is None:
        saved = load(arguments.load)
        note(f"{saved.path}")
        return saved.graph(), saved.path.parent.name
    if arguments.load is not None:
        raise ConvnetError("--load and --layers both name a network; give one of them")
    spec = arguments.spec()
    specs = Specs.read(spec.layers, spec.params)
    specs, language = with_replicas(specs, arguments.language)
    graph, assumed = build_without_data(specs, language, arguments.dims)
    warn(specs.problems.warnings)
    if assumed:
        note(assumed)
    return graph, spec.layers.stem
