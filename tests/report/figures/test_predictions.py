"""Pictures of test images with the classes that they are taken for."""

import numpy as np
import pytest

from convnet.report.figures.pen import INK
from convnet.report.figures.predictions import (
    BAR,
    CELL,
    RIGHT,
    RIGHT_BAR,
    TRACK,
    WRONG,
    Prediction,
    predictions_picture,
)


def prediction(probabilities, label, channels=3, side=8):
    image = np.full((channels, side, side), 200, np.uint8)
    return Prediction(image, np.array(probabilities), label)


def test_likeliest_classes():
    one = prediction([0.05, 0.5, 0.05, 0.2, 0.1, 0.1], 3)
    assert one.likeliest == [1, 3, 4, 5, 0]
    assert not one.is_right
    assert prediction([0.4, 0.6], 1).is_right


def pixels_of(picture, color):
    """How many pixels are of about that color; shrinking the picture blurs edges."""
    return (np.abs(np.asarray(picture, int) - color).max(axis=2) < 9).sum()


def width_of(picture, color):
    """How many pixels of a row are of about that color, in the row with most of them."""
    return (np.abs(np.asarray(picture, int) - color).max(axis=2) < 9).sum(axis=1).max()


def test_the_true_class_is_marked_and_bars_are_as_long_as_it_is_likely():
    names = ("a", "b", "a long name of a class that does not fit at all")
    picture = predictions_picture([prediction([0.7, 0.3, 0.0], 1)], names, "title")
    found = [width_of(picture, color) for color in (BAR, RIGHT_BAR)]
    assert found == pytest.approx([0.7 * CELL, 0.3 * CELL], abs=2)
    assert pixels_of(picture, TRACK) > CELL * 10
    assert pixels_of(picture, (200, 200, 200)) >= 140 * 140


@pytest.mark.parametrize("count", [0, 1, 7])
def test_sizes(count):
    some = [prediction([0.5, 0.5], 0, channels=1, side=s) for s in range(100, 100 + count)]
    picture = predictions_picture(some, ("a", "b"), "title")
    assert picture.width >= 480
    assert (pixels_of(picture, RIGHT_BAR) > 0) == (count > 0)


def test_a_label_that_names_no_class():
    assert predictions_picture([prediction([0.5, 0.5], -1)], ("a", "b"), "title").height > 200


def test_an_image_of_unknown_class_has_its_caption_and_no_marks():
    image = np.full((3, 8, 8), 200, np.uint8)
    known = predictions_picture([prediction([0.7, 0.3], 0)], ("a", "b"), "title")
    assert pixels_of(known, RIGHT) > 0
    plain, named = (
        predictions_picture(
            [Prediction(image, np.array([0.7, 0.3]), None, caption)], ("a", "b"), "title"
        )
        for caption in ("", "MMMMMMMM.png")
    )
    for color in (RIGHT, WRONG, RIGHT_BAR):
        assert pixels_of(named, color) == 0
    assert pixels_of(named, INK) > pixels_of(plain, INK)
