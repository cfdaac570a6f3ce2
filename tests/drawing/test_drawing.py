"""Drawings of networks: what is drawn, where it stands, and that nothing hides anything."""

import json
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

import numpy as np
import pytest

from convnet.drawing import draw_network, picture, svg
from convnet.drawing.boxes import boxes_of
from convnet.drawing.picture import polyline
from convnet.drawing.scene import Dot, Polyline, Scene, Text
from convnet.drawing.style import LINES, ROLES, fill, ink
from convnet.drawing.text_width import fitted, width_of
from convnet.graph.build import build
from convnet.graph.guess_sizes import guess_sizes
from convnet.graph.infer_inputs import placeholder_tree
from convnet.language import Problems, Source, parse, read_source
from tests.support.command_line import good, run
from tests.support.paths import CORPUS, ROOT

PUBLISHED = (
    "chm/layers/layers-129.cfg",  # four devices, two inputs of a layer, rows passed by arrows
    "chm/layers/layers-183-4gpu.cfg",
    "cc2/layers/layers-imagenet-2gpu-data.cfg",
)
SHIPPED = sorted((ROOT / "layers").glob("*.cfg"))


def graph_of(source, **facts):
    layers = parse(source, Problems())
    facts = facts or {"data_dims": guess_sizes(layers, None, None).dims}
    return build(layers, None, Problems(), tree=placeholder_tree(layers, None)[0], **facts)


def published(name):
    lines = (CORPUS / "expected.jsonl").read_text().splitlines()
    pair = next(p for p in map(json.loads, lines) if p["layers"] == name)
    dims = {int(index): rows for index, rows in pair["data_dims"].items()}
    return graph_of(read_source(CORPUS / name), data_dims=dims, classes=pair["num_classes"])


def graphs():
    for path in SHIPPED:
        yield pytest.param(lambda p=path: graph_of(read_source(p)), id=path.stem)
    for name in PUBLISHED if CORPUS.exists() else ():
        yield pytest.param(lambda n=name: published(n), id=name)


GRAPHS = list(graphs())


def boxes_in(scene):
    return [part for part in scene.rectangles if part.role != "column"]


def dense(points):
    """Points along lines, close to each other."""
    for (x, y), (to_x, to_y) in pairwise(points):
        for step in range(20):
            yield x + (to_x - x) * step / 20, y + (to_y - y) * step / 20


def apart(one, other):
    return (
        one.left + one.width <= other.left
        or other.left + other.width <= one.left
        or one.top + one.height <= other.top
        or other.top + other.height <= one.top
    )


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_hides_anything(graph):
    scene = draw_network(graph(), "title")
    boxes = boxes_in(scene)
    assert all(apart(one, other) for one, other in combinations(boxes, 2))
    for curve in scene.curves:
        for x, y in dense(polyline(curve)):
            inside = [
                box
                for box in boxes
                if box.left + 1 < x < box.left + box.width - 1
                and box.top + 1 < y < box.top + box.height - 1
            ]
            assert not inside, (curve, x, y)
    for text in scene.texts:
        half = width_of(text.text, text.size, text.bold)
        left = text.at[0] - (half / 2 if text.anchor == "middle" else 0)
        assert left >= 0
        assert left + half <= scene.width
        assert 0 < text.at[1] < scene.height


@pytest.mark.parametrize("graph", GRAPHS)
def test_arrows_lead_from_each_source_to_its_readers(graph):
    graph = graph()
    boxes = boxes_of(graph)
    read = {
        ((source.declared_in or source).name, (node.declared_in or node).name)
        for node in graph.nodes
        for source in node.inputs
    }
    drawn = {(source.title, box.title) for box in boxes for source in box.sources}
    assert drawn == {(source, reader) for source, reader in read if source != reader}
    scene = draw_network(graph, "title")
    assert len(boxes_in(scene)) == len(boxes)
    drawn = [c for c in scene.curves if not c.plain and c.start[1] < scene.height - 40]
    assert len(drawn) == sum(len(box.sources) for box in boxes)
    tops = {box.top for box in boxes_in(scene)}
    bottoms = {box.top + box.height for box in boxes_in(scene)}
    assert {curve.start[1] for curve in drawn} <= bottoms
    assert {curve.pieces[-1][-1][1] for curve in drawn} <= tops


def test_alexnet_has_a_column_a_device_and_copies_where_the_paper_has_them():
    graph = graph_of(read_source(ROOT / "layers/alexnet.cfg"))
    boxes = {box.title: box for box in boxes_of(graph)}
    crossing = {
        (source.title, box.title)
        for box in boxes.values()
        for source in box.sources
        if source.column != box.column and source.column >= 0
    }
    assert crossing == {
        *(("pool2b", "conv3a"), ("pool2a", "conv3b"), ("pool5b", "fc6a"), ("pool5a", "fc6b")),
        *(("drop6b", "fc7a"), ("drop6a", "fc7b"), ("drop7b", "fc8")),
    }
    texts = {text.text for text in draw_network(graph, "AlexNet").texts}
    assert {"AlexNet", "host", "device 0", "device 1", "conv1a", "55 × 55 × 48"} <= texts
    assert "conv 11 × 11, stride 4 · relu" in texts
    assert "max pool 3 × 3, stride 2" in texts
    assert "cmrnorm, size 5" in texts


def test_a_network_on_one_device_has_no_columns():
    scene = draw_network(graph_of(read_source(ROOT / "layers/digits.cfg")), "digits")
    assert all(part.role != "column" for part in scene.rectangles)
    assert {curve.role for curve in scene.curves} == {"arrow"}
    lefts = {part.left for part in scene.rectangles if part.role != "data"}
    assert len(lefts) == 1, "the layers stand below each other, the labels beside them"


REPLICAS = """
[data]
type=data
dataIdx=0

[labels]
type=data
dataIdx=1

[conv1]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
initW=0.1
gpu=0,1,2

[fc]
type=fc
inputs=conv1
outputs=2
initW=0.1
gpu=0,1,2

[probs]
type=softmax
inputs=fc

[logprob]
type=cost.logreg
inputs=labels,probs
"""


def test_replicas_are_numbered_and_joined():
    graph = graph_of(Source.from_text(REPLICAS, "replicas.cfg"), data_dims={0: 192, 1: 1})
    scene = draw_network(graph, "replicas")
    texts = {text.text for text in scene.texts}
    assert {"conv1  (1 of 3)", "conv1  (3 of 3)", "replicas: gradients are added up"} <= texts
    joined = [curve for curve in scene.curves if curve.dashed]
    assert len(joined) == 2 * 2 + 1, "two lines for each layer with weights, one in the key"


def test_svg_is_well_formed_whatever_the_title_holds():
    scene = draw_network(graph_of(read_source(ROOT / "layers/digits.cfg")), "<&>\x1b[31m\x00 \"'")
    for theme in (None, "light", "dark"):
        root = ElementTree.fromstring(svg(scene, theme))
        assert root.tag.endswith("svg")
        title = next(e for e in root.iter() if e.tag.endswith("title")).text
        assert title.startswith("<&>") and "\x1b" not in title
    assert "prefers-color-scheme" in svg(scene) and "prefers-color-scheme" not in svg(scene, "dark")


def rgb(color):
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_shows_the_scene(theme):
    scene = draw_network(graph_of(read_source(ROOT / "layers/alexnet.cfg")), "alexnet")
    image = picture(scene, theme, scale=1)
    assert image.size == (round(scene.width), round(scene.height))
    for part in scene.rectangles:
        corner = part.left + 8, part.top + 6
        found = image.getpixel(tuple(map(round, corner)))
        assert max(abs(a - b) for a, b in zip(found, rgb(fill(part.role, theme)), strict=True)) < 8


def luminance(color):
    parts = [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in color]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_every_box(theme):
    """Contrast of at least 4.5 (WCAG 2, 1.4.3)."""
    for role in ROLES:
        if fill(role, theme):
            for text in ("ink", "faint"):
                pair = sorted(
                    luminance(rgb(c)) + 0.05 for c in (fill(role, theme), ink(text, theme))
                )
                assert pair[1] / pair[0] >= 4.5, (role, text)


def test_lines_dots_and_upright_text_are_painted_where_they_stand():
    scene = Scene(100, 60, "title")
    scene.polylines.append(Polyline(((10, 10), (90, 10)), "line0", 4))
    scene.polylines.append(Polyline(((10, 20), (90, 20)), "line0", 4, opacity=0.5))
    scene.dots.append(Dot((50, 40), 6, "line1"))
    scene.texts.append(Text((20, 40), "upright", 12, upright=True))
    for theme in ("light", "dark"):
        pixels = np.asarray(picture(scene, theme, scale=1))
        color = [np.array(rgb(ink(role, theme))) for role in ("line0", "line1")]
        paper = np.array(rgb(fill("paper", theme)))
        assert abs(pixels[10, 50] - color[0]).max() < 15
        assert abs(pixels[20, 50] - (color[0] + paper) / 2).max() < 15
        assert abs(pixels[40, 50] - color[1]).max() < 15
        inked = (abs(pixels.astype(int) - paper.astype(int)).max(axis=2) > 60)[:, :30]
        inked[:25] = False
        rows, columns = np.nonzero(inked)
        assert np.ptp(rows) > 2 * np.ptp(columns), "it is higher than wide"
    root = ElementTree.fromstring(svg(scene))
    kinds = [each.tag.rpartition("}")[2] for each in root]
    assert kinds.count("polyline") == 2 and kinds.count("circle") == 2
    (text,) = root.iter("{http://www.w3.org/2000/svg}text")
    assert text.get("transform") == "translate(20 40) rotate(-90)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_of_plots_can_be_told_from_the_background(theme):
    """Contrast of at least 2 (a line is no text; WCAG 2, 1.4.11, asks for 3 of what is needed)."""
    paper = luminance(rgb(fill("paper", theme))) + 0.05
    for role in LINES:
        pair = sorted([paper, luminance(rgb(ink(role, theme))) + 0.05])
        assert pair[1] / pair[0] >= 2, role


def test_long_names_are_cut():
    assert fitted("conv1", 13, 100) == "conv1"
    cut = fitted("a_very_long_name_of_a_layer_" * 5, 13, 100)
    assert cut.endswith("…") and width_of(cut, 13) <= 100
    assert "\x1b" not in fitted("a\x1b[2Jb", 13, 100)


def test_the_command_writes_svg_and_pictures(tmp_path):
    out = tmp_path / "new" / "net.svg"
    assert "pixels" in good("draw", "--layers", "digits", "--out", out).output
    assert "<title>digits</title>" in out.read_text(encoding="utf-8")
    good("draw", "--layers", "digits", "--title", "Mine", "--theme", "dark", "--out", out)
    text = out.read_text(encoding="utf-8")
    assert "<title>Mine</title>" in text and fill("paper", "dark") in text
    good("draw", "--layers", "digits", "--out", tmp_path / "net.png")
    assert (tmp_path / "net.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "digits", "--out", "net.doc"], "'.doc' names no format of pictures"),
        (["--layers", "nosuch"], "nosuch"),
        (["--layers", "digits", "--load", "run"], "give one of them"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("draw", *arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert list(tmp_path.iterdir()) == []
