"""`convnet draw`: a drawing of a network, as SVG or as a picture."""

from pathlib import Path

from convnet.cli_options.draw import DrawArguments
from convnet.commands.build_graph import build_without_data
from convnet.commands.console import note, result, warn
from convnet.commands.load_network import load
from convnet.commands.show import refuse_picture, write_picture
from convnet.drawing import draw_network, picture, svg
from convnet.errors import ConvnetError
from convnet.graph.build import Graph
from convnet.language.specs import Specs
from convnet.stored.files import replacing

SVG = ".svg"


def draw(arguments: DrawArguments) -> None:
    """Write the drawing of a pair of files, or of a checkpoint's network."""
    out = arguments.out
    if out.suffix.lower() != SVG or out.is_dir():
        refuse_picture(out)
    graph, title = _graph(arguments)
    scene = draw_network(graph, arguments.title or title)
    if out.suffix.lower() == SVG:
        _write_svg(svg(scene, arguments.theme), out)
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
    graph, assumed = build_without_data(specs, arguments.language, arguments.dims)
    warn(specs.problems.warnings)
    if assumed:
        note(assumed)
    return graph, spec.layers.stem


def _write_svg(text: str, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConvnetError(f"{out}: cannot be written ({reason})") from None
