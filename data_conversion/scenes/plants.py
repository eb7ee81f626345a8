"""Trees and hedges: clusters of leaves in several greens, lighter towards the sun."""

import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.canvas import CIRCLE, Canvas, Colour, scaled, varied

_LEAVES: tuple[Colour, ...] = (
    (72, 104, 48),
    (88, 116, 52),
    (62, 92, 56),
    (104, 118, 50),
    (56, 82, 44),
)


def draw_tree(
    canvas: Canvas, x: float, z: float, height: float, sun: int, rng: np.random.Generator
) -> None:
    """Draw a tree; backbone and crown are vegetation, as in Cityscapes."""
    scale = canvas.camera.scale(z)
    foot = canvas.camera.project(np.array([(x, 0.0, z)]))[0]
    crown = height * rng.uniform(0.25, 0.33)
    lean = rng.normal(0, 0.03) * height
    bark = varied((82, 68, 56), rng, 8)
    top = foot + np.array([lean, -height * 0.6]) * scale
    canvas.limb(foot, top, (0.32 * scale, 0.2 * scale), bark, z, ids.VEGETATION)
    leaf = varied(_LEAVES[rng.integers(len(_LEAVES))], rng, 8)
    centre = foot + np.array([lean, -(height - crown)]) * scale
    clumps = int(np.clip(scale * height / 9, 10, 70))
    angle, distance = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps))
    places = np.stack([np.cos(angle), np.sin(angle)], 1) * distance[:, None]
    # Clumps from the bottom to the top, so that lit leaves lie over shaded ones.
    for place in places[np.argsort(-places[:, 1])]:
        lit = 0.95 - 0.28 * place[1] + 0.1 * sun * place[0] + rng.normal(0, 0.06)
        radius = crown * rng.uniform(1.3, 2.1) / clumps**0.4 * scale
        _clump(
            canvas,
            centre + place * (crown * 1.05 * scale, crown * 0.95 * scale),
            radius,
            scaled(leaf, lit),
            z,
            rng,
        )


def draw_hedge(
    canvas: Canvas, x: float, z: tuple[float, float], height: float, rng: np.random.Generator
) -> None:
    """Draw a hedge or a row of bushes along the street, from far to near."""
    leaf = varied(_LEAVES[rng.integers(len(_LEAVES))], rng, 8)
    step = max(0.5, height * 0.45)
    for place in np.arange(z[1], z[0], -step):
        scale = canvas.camera.scale(place)
        foot = canvas.camera.project(np.array([(x, 0.0, place)]))[0]
        for level in (0.35, 0.7):
            shift = rng.normal(0, 0.1, 2) * height
            centre = foot + (np.array([0.0, -height * level]) + shift) * scale
            lit = 0.75 + 0.4 * level + rng.normal(0, 0.06)
            _clump(canvas, centre, height * 0.42 * scale, scaled(leaf, lit), place, rng)


def _clump(
    canvas: Canvas,
    centre_px: np.ndarray,
    radius_px: float,
    colour: Colour,
    z: float,
    rng: np.random.Generator,
) -> None:
    rough = rng.uniform(0.72, 1.15, (len(CIRCLE), 1))
    canvas.fill(centre_px + CIRCLE * rough * radius_px, colour, z, ids.VEGETATION)
