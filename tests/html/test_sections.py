"""Sections of the page: a test, times, memory and copies."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from convnet.graph.build import build
from convnet.html.bars import Bar, bars
from convnet.html.plan_section import plan_section
from convnet.html.test_section import test_section as section_of
from convnet.html.time_section import declared_layers, milliseconds, time_section
from convnet.language import Problems, parse, read_source
from convnet.report.confusion import Confusion
from convnet.report.describe import network_summary
from convnet.report.describe_table import short_count
from convnet.report.test_result import Mistake, TestResult
from tests.support.paths import ROOT

HOSTILE = '<script>alert(1)</script>"\x1b'


def graph_of(name):
    layers = parse(read_source(ROOT / f"layers/{name}.cfg"), Problems())
    facts = {"digits": ({0: 64, 1: 1}, 10), "alexnet": ({0: 3 * 224**2, 1: 1}, 1000)}[name]
    return build(layers, None, Problems(), data_dims=facts[0], classes=facts[1])


def widths(html):
    return [float(width) for width in re.findall(r'style="width:([\d.]+)%"', html)]


def test_bars_have_a_common_scale_and_a_legend():
    html = bars([Bar("a", [("x", 30.0), ("y", 10.0)]), Bar("b", [("y", 20.0)])], "{:g} s".format)
    assert widths(html) == [75, 25, 50]
    assert html.count('class="key') == 2 and ">40 s<" in html and ">20 s<" in html
    colors = re.findall(r'<span class="(c\d)" style', html)
    assert colors == ["c0", "c1", "c1"], "a name has one color"
    assert widths(bars([Bar("empty", [("x", 0.0)])], str)) == [] and bars([], str)


def test_nothing_in_a_bar_becomes_markup():
    html = bars([Bar(HOSTILE, [(HOSTILE, 1.0)])], lambda value: HOSTILE)
    assert "<script" not in html and "\x1b" not in html and '"<' not in html


def test_memory_is_that_of_describe():
    graph = graph_of("alexnet")
    memory, copies = plan_section(graph, 128)
    summary = network_summary(graph, 128)
    assert memory.count('class="label"') == 2 and "minibatches of 128" in memory
    shares = {d: size for d, size in summary["bytes_per_device"].items()}
    expected = [100 * size / max(shares.values()) for size in shares.values()]
    parts = [sum(widths(row)) for row in memory.split('class="label"')[1:]]
    assert parts == pytest.approx(expected, abs=0.1)
    pairs = summary["crossing"]
    assert f"{short_count(sum(pair['total'] for pair in pairs))}B" in copies
    assert copies.count("<tr>") == 1 + len(pairs)


def test_a_network_on_one_device_sends_nothing():
    memory, copies = plan_section(graph_of("digits"), 64)
    assert memory.count('class="label"') == 1
    assert copies == ""


def test_times_are_bars_of_each_device():
    times = {
        "cuda:0": {"conv1": {"forward": 1000.0, "backward": 3000.0}, "fc": {"update": 500.0}},
        "cuda:1": {"conv1": {"forward": 2_000_000.0}},
    }
    html = time_section(times)
    assert "cuda:0: 4.5 ms" in html and "cuda:1: 2,000 ms" in html
    assert widths(html) == [25, 75, 12.5, 100]
    assert milliseconds(1234) == "1.23 ms"


def test_a_neurons_time_belongs_to_its_layer():
    names = declared_layers(graph_of("digits"))
    assert names["conv2_neuron"] == "conv2" and names["conv2"] == "conv2"


# -- tests -----------------------------------------------------------------------------------------


def result_of(count, side=8, names=None, images=True):
    random = np.random.default_rng(0)
    labels = random.integers(0, count, 3000)
    predicted = np.where(random.random(3000) < 0.8, labels, random.integers(0, count, 3000))
    names = names or tuple(f"class {n}" for n in range(count))
    pixels = random.integers(0, 255, (3, side, side)).astype(np.uint8)
    mistakes = tuple(
        Mistake(0.9 - 0.01 * n, -n, n % count, (n + 1) % count, 0.05, pixels if images else None)
        for n in range(24)
    )
    return TestResult(Confusion.of(labels, predicted, names), mistakes, "best.safetensors")


def pictures(html):
    for data in re.findall(r'(?:href|src)="data:image/\w+;base64,([^"]+)"', html):
        yield Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_matrix_has_a_cell_for_each_pair_of_classes():
    result = result_of(10)
    html = section_of(result)
    cells = next(pictures(html))
    assert cells.size == (10, 10) and cells.mode == "RGBA"
    opacity = np.asarray(cells)[..., 3] / 255
    matrix = result.confusion.matrix()
    shares = np.sqrt(matrix / matrix.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(opacity, shares, atol=0.003)
    numbers = re.findall(r'text-anchor="middle">(\d+)</text>', html)
    assert sorted(map(int, numbers)) == sorted(matrix[matrix > 0].tolist())
    assert f"error {result.confusion.error:.2%}" in html and "3,000 test images" in html


@pytest.mark.parametrize("count", [1, 2, 30, 100, 1000])
def test_many_classes_make_a_small_section(count):
    html = section_of(result_of(count))
    assert len(html) < 400_000
    assert max(next(pictures(html)).size) <= 500
    assert "class 0" in html or count > 60


def test_mistakes_are_cards_with_their_images():
    html = section_of(result_of(10, side=8))
    found = list(pictures(html))[1:]
    assert len(found) == 24 and {image.format for image in found} == {"PNG"}
    assert "<b>class 1</b> (90.0%)" in html and "true: class 0 (5.0%)" in html
    photos = list(pictures(section_of(result_of(10, side=224))))[1:]
    assert {(image.format, image.size) for image in photos} == {("JPEG", (96, 96))}
    without = section_of(result_of(10, images=False))
    assert len(list(pictures(without))) == 1 and "--test" in without


def test_names_of_classes_are_no_markup():
    html = section_of(result_of(3, names=(HOSTILE, "b" * 500, "")))
    assert "<script" not in html and "\x1b" not in html
    assert "b" * 200 not in html.split("<table")[0], "long names are cut in the drawing"


def test_no_mistakes():
    labels = np.arange(5)
    html = section_of(TestResult(Confusion.of(labels, labels), (), "x"))
    assert "No test image is misclassified" in html and "cards" not in html
