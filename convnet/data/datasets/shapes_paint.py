"""The kernels that paint the scenes of `shapes`: background, blobs, figure, then light and noise.

They run in one thread and release the GIL, as in `arrange`.
"""

import math

import numpy as np

from convnet.compiling.kernels import helper, kernel
from convnet.data.counter_rng import GAMMA, MIX_1, MIX_2

_piece = helper(fastmath=True)
_inlined = helper(fastmath=True, inline="always")
_ROOT = np.float32(0.8660254)  # sine of 60 degrees
ONE = np.float32(1)
HALF = np.float32(0.5)


@kernel(nogil=True, fastmath=True)
def paint(scenes: np.ndarray, images: np.ndarray) -> None:
    """Render each of `scenes`, (n,) of type SCENE, into images, uint8 (n, 3, S, S)."""
    S = images.shape[2]
    canvas = np.empty((3, S, S), np.float32)
    for n in range(images.shape[0]):
        scene = scenes[n]
        _paint_ground(scene, canvas)
        _paint_blobs(scene, canvas)
        _paint_figure(scene, canvas)
        _light_and_noise(scene, canvas, images[n])


@_inlined
def _swing(periods):
    """Return a smooth wave of period 1 between -1 and 1; cheaper than a sine."""
    t = np.float32(4) * abs(periods - math.floor(periods + HALF)) - ONE
    return t * (np.float32(1.5) - HALF * t * t)


@_inlined
def _unit(value):
    return min(max(value, np.float32(0)), ONE)


@_piece
def _paint_ground(scene, canvas):
    S = canvas.shape[1]
    middle = HALF * np.float32(S)
    for y in range(S):
        down = np.float32(y)
        for x in range(S):
            right = np.float32(x)
            along = (right - middle) * scene.gradient[0] + (down - middle) * scene.gradient[1]
            wave = right * scene.ground_wave[0] + down * scene.ground_wave[1] + scene.ground_phase
            blend = _unit(HALF + along + scene.ground_contrast * _swing(wave))
            for c in range(3):
                first = scene.ground[0, c]
                canvas[c, y, x] = first + blend * (scene.ground[1, c] - first)


@_piece
def _paint_blobs(scene, canvas):
    S = canvas.shape[1]
    for b in range(scene.blobs.shape[0]):
        bx, by, radius = scene.blobs[b, 0], scene.blobs[b, 1], scene.blobs[b, 2]
        for y in range(max(0, int(by - radius)), min(S, int(by + radius) + 2)):
            for x in range(max(0, int(bx - radius)), min(S, int(bx + radius) + 2)):
                u, v = np.float32(x) - bx, np.float32(y) - by
                cover = _unit(radius - math.sqrt(u * u + v * v) + HALF)
                for c in range(3):
                    canvas[c, y, x] += cover * (scene.blobs[b, 3 + c] - canvas[c, y, x])


@_piece
def _paint_figure(scene, canvas):
    S = canvas.shape[1]
    cx, cy, radius = scene.center[0], scene.center[1], scene.radius
    for y in range(max(0, int(cy - radius) - 1), min(S, int(cy + radius) + 3)):
        for x in range(max(0, int(cx - radius) - 1), min(S, int(cx + radius) + 3)):
            right, down = np.float32(x) - cx, np.float32(y) - cy
            u = (right * scene.rotation[0] + down * scene.rotation[1]) / radius
            v = (down * scene.rotation[0] - right * scene.rotation[1]) / radius
            cover = _unit(_inside(scene.figure, u, v) * radius + HALF)
            if cover <= 0:
                continue
            along = right * scene.wave[0] + down * scene.wave[1]
            across = down * scene.wave[0] - right * scene.wave[1]
            blend = HALF + HALF * _pattern(scene.texture, along, across, scene.phase)
            for c in range(3):
                first = scene.fill[0, c]
                color = first + blend * (scene.fill[1, c] - first)
                canvas[c, y, x] += cover * (color - canvas[c, y, x])


@_piece
def _inside(figure, u, v):
    """Return about the distance from the figure's edge, positive inside, in radii.

    u points to the right, v down.  The numbers of the figures are indices of FIGURES.
    """
    r = math.sqrt(u * u + v * v)
    w = abs(u)
    if figure == 0:  # disc
        return np.float32(0.9) - r
    if figure == 1:  # cross
        t = abs(v)
        return min(np.float32(0.95) - max(w, t), np.float32(0.3) - min(w, t))
    if figure == 2:  # triangle, upright
        return min(np.float32(0.65) - v, HALF * v + np.float32(0.45) - _ROOT * w)
    if figure == 3:  # ring
        return np.float32(0.24) - abs(r - np.float32(0.7))
    if figure == 4:  # square
        return np.float32(0.78) - max(w, abs(v))
    if figure == 5:  # star of five points
        return np.float32(0.62) + np.float32(0.3) * _five_fold(u, v) - r
    if figure == 6:  # hourglass
        return min(np.float32(0.9) - abs(v), np.float32(0.1) + np.float32(0.75) * abs(v) - w)
    if figure == 7:  # crescent, open above
        away = math.sqrt(u * u + (v + np.float32(0.5)) ** 2)
        return min(np.float32(0.95) - r, away - np.float32(0.72))
    if figure == 8:  # half-disc, flat below
        d = v - np.float32(0.4)
        return min(np.float32(0.95) - math.sqrt(u * u + d * d), -d)
    return np.float32(0.8) - max(abs(v), _ROOT * w + HALF * abs(v))  # hexagon


@_inlined
def _five_fold(u, v):
    """Return 1 in the directions of a star's five points, the first upright, -1 between them."""
    return _swing(np.float32(math.atan2(u, -v)) * np.float32(5 / (2 * math.pi)) + HALF)


@_piece
def _pattern(texture, along, across, phase):
    """Return -1..1, the blend of the two colors; the textures' numbers are indices of TEXTURES."""
    a = _swing(along + phase[0])
    if texture == 3 or texture == 8:  # checks, diamonds
        return _steep(a * _swing(across + phase[1]), np.float32(4))
    if texture == 4:  # dots
        return _steep(a + _swing(across + phase[1]) - np.float32(0.7), np.float32(3))
    if texture == 5:  # circles
        return _steep(_swing(math.sqrt(along * along + across * across) + phase[0]), np.float32(2))
    return _steep(a, np.float32(2))


@_inlined
def _steep(value, factor):
    return min(max(factor * value, -ONE), ONE)


@_piece
def _light_and_noise(scene, canvas, image):
    S = canvas.shape[1]
    middle = HALF * np.float32(S)
    noise = scene.noise / np.float32(255)
    for y in range(S):
        level = scene.light[0] + (np.float32(y) - middle) * scene.light[2]
        for x in range(S):
            light = level + (np.float32(x) - middle) * scene.light[1]
            z = scene.key + np.uint64(y * S + x) * GAMMA
            z = (z ^ (z >> np.uint64(30))) * MIX_1
            z = (z ^ (z >> np.uint64(27))) * MIX_2
            for c in range(3):
                # the sum of two bytes: a triangular distribution around 255
                two = (z >> np.uint64(16 * c + 16)) & np.uint64(0xFFFF)
                sway = np.float32((two & np.uint64(255)) + (two >> np.uint64(8))) - np.float32(255)
                value = canvas[c, y, x] * light + noise * sway
                image[c, y, x] = np.uint8(min(max(value, np.float32(0)), np.float32(255)) + HALF)
