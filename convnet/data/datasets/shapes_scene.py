"""The contents of each image of `shapes`, sampled at random: position, size, colors, light.

A class fixes the figure, the texture that fills it and the pair of colors.  All else is random and
independent of the class: position, size, small rotations, the texture's phase and period, shades,
the background with its own colors, stripes and blobs, the light, the noise.  Whatever a class fixes
is symmetric under mirroring, so mirrored images keep their class.
"""

import numpy as np

from convnet.data import counter_rng

FIGURES = (
    "disc",
    "cross",
    "triangle",
    "ring",
    "square",
    "star",
    "hourglass",
    "crescent",
    "half-disc",
    "hexagon",
)
TEXTURES = (
    "vertical stripes",
    "horizontal stripes",
    "diagonal stripes",
    "checks",
    "dots",
    "circles",
    "fine vertical stripes",
    "fine horizontal stripes",
    "diamonds",
    "fine diagonal stripes",
)
HUES = {
    "red": 0,
    "orange": 28,
    "yellow": 55,
    "green": 120,
    "cyan": 182,
    "blue": 228,
    "purple": 275,
    "pink": 322,
}
COLORS = (
    ("red", "green"),
    ("blue", "yellow"),
    ("orange", "cyan"),
    ("purple", "green"),
    ("red", "blue"),
    ("pink", "yellow"),
    ("green", "blue"),
    ("orange", "purple"),
    ("red", "cyan"),
    ("pink", "blue"),
)
BLOBS = 4

SCENE = np.dtype(
    [
        ("figure", "i8"),
        ("texture", "i8"),
        ("center", "f4", 2),  # x, y, pixels
        ("radius", "f4"),
        ("rotation", "f4", 2),  # cosine and sine of the figure's angle
        ("wave", "f4", 2),  # the texture's periods per pixel along x and y
        ("phase", "f4", 2),  # in periods, along the wave and across it
        ("fill", "f4", (2, 3)),  # the two colors, 0..255
        ("ground", "f4", (2, 3)),  # the background goes from one color to the other
        ("gradient", "f4", 2),  # of that blend, per pixel along x and y
        ("ground_wave", "f4", 2),
        ("ground_phase", "f4"),
        ("ground_contrast", "f4"),
        ("blobs", "f4", (BLOBS, 6)),  # x, y, radius, and three of color
        ("light", "f4", 3),  # at the center, and its gradient per pixel along x and y
        ("noise", "f4"),  # largest change of a value in either direction
        ("key", "u8"),  # random bits of the noise
    ]
)


def scenes(keys: np.ndarray, kinds: np.ndarray, side: int) -> np.ndarray:
    """Return a scene for each image, (n,) of type SCENE.

    keys: random bits, uint64 (n,).  kinds (n, 3): figure, texture and colors of each image.  side:
    of the images, pixels.
    """
    sampler = _Sampler(keys)
    scene = np.zeros(len(keys), SCENE)
    scene["figure"], scene["texture"] = kinds[:, 0], kinds[:, 1]
    scene["key"] = keys
    _place(scene, sampler, side)
    _fill(scene, sampler, kinds, side)
    _ground(scene, sampler, side)
    scene["light"][:, 0] = sampler.between(0.65, 1.1)
    scene["light"][:, 1:] = sampler.between(-0.35, 0.35, 2) / side
    scene["noise"] = sampler.between(10, 45)
    return scene


class _Sampler:
    """Samples values for all images at once, each from the next random bits of its image."""

    def __init__(self, keys):
        self._keys = keys
        self._used = 0

    def between(self, low, high, size=None):
        """Return uniform floats (n,), or (n, size)."""
        counters = self._used + np.arange(size or 1)
        self._used += size or 1
        values = low + (high - low) * counter_rng.uniform(
            counter_rng.bits(0, self._keys[:, None], counters)
        )
        return values if size else values[:, 0]


def _place(scene, sampler, side):
    scene["radius"] = radius = sampler.between(0.30, 0.44) * side
    room = 0.5 * side - 0.85 * radius  # a little of the figure may leave the image
    scene["center"] = 0.5 * (side - 1) + sampler.between(-1, 1, 2) * room[:, None]
    scene["rotation"] = _direction(sampler.between(-15, 15))


def _fill(scene, sampler, kinds, side):
    period = 0.95 * side**0.5 * sampler.between(0.9, 1.1)
    names = np.array(TEXTURES)[kinds[:, 1]]
    fine = np.char.startswith(names, "fine")
    period = np.maximum(np.where(fine, 0.6 * period, period), 2.3)
    period *= np.where(names == "dots", 1.4, 1)
    angle = np.select(
        [
            np.char.find(names, "diagonal") >= 0,
            names == "diamonds",
            np.char.find(names, "hor") >= 0,
        ],
        [45 * np.sign(sampler.between(-1, 1)), 45, 90],
        default=0,
    )
    scene["wave"] = _direction(angle + sampler.between(-8, 8)) / period[:, None]
    scene["phase"] = sampler.between(0, 1, 2)
    hues = np.array([[HUES[name] for name in pair] for pair in COLORS])[kinds[:, 2]]
    for i in range(2):
        hue = hues[:, i] + sampler.between(-7, 7)
        scene["fill"][:, i] = _rgb(hue, sampler.between(0.65, 1), sampler.between(0.7, 1))


def _ground(scene, sampler, side):
    hue = sampler.between(0, 360)
    for i in range(2):
        shade = _rgb(hue, sampler.between(0.15, 0.8), sampler.between(0.25, 0.95))
        scene["ground"][:, i] = shade
        hue = hue + sampler.between(-120, 120)
    scene["gradient"] = _direction(sampler.between(0, 360)) / (1.5 * side)
    period = side**0.5 * sampler.between(0.6, 2.5)
    scene["ground_wave"] = _direction(sampler.between(0, 360)) / period[:, None]
    scene["ground_phase"] = sampler.between(0, 1)
    scene["ground_contrast"] = sampler.between(0, 0.4)
    for i in range(BLOBS):
        blob = scene["blobs"][:, i]
        blob[:, :2] = sampler.between(-0.1, 1.1, 2) * side
        blob[:, 2] = sampler.between(0, 0.16) * side
        blob[:, 3:] = _rgb(
            sampler.between(0, 360), sampler.between(0.5, 1), sampler.between(0.4, 1)
        )


def _direction(degrees):
    """Return cosine and sine: (n, 2)."""
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _rgb(hue, saturation, value):
    """Return colors 0..255 (n, 3) from hue in degrees, and saturation and value 0..1 (HSV)."""
    distance = np.abs((hue[:, None] / 60 - np.array([0, 2, 4]) + 3) % 6 - 3)  # from each primary
    pure = np.clip(2 - distance, 0, 1)
    return 255 * value[:, None] * (1 - saturation[:, None] * (1 - pure))
