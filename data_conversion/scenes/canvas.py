"""Camera and canvas: world points to pixels, polygons to colours and Cityscapes label ids at once.

World coordinates are metres: x to the right of the road's centre line (which may bend), y up from
the road surface, z ahead of the camera. The canvas is drawn at twice the final size, so that
halving it smooths the image's edges while labels keep one id a pixel.
"""

import dataclasses

import cv2
import numpy as np

SUPERSAMPLING = 2
Colour = tuple[float, float, float]
_SHIFT = 4  # polygon corners in sixteenths of a pixel
_FARTHEST_PX = 1 << 15


@dataclasses.dataclass(frozen=True)
class Camera:
    """Pinhole camera over a road that may bend and rise.

    focal_px, centre_px (column), horizon_px (row): in pixels of the canvas. x, height: of the lens
    in metres. slope, bend: the centre line lies at slope * z + bend * z^2. rise: its height is
    rise * z^2.
    """

    focal_px: float
    centre_px: float
    horizon_px: float
    x: float
    height: float
    slope: float = 0.0
    bend: float = 0.0
    rise: float = 0.0

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return (n, 2) canvas positions (column, row) of points (n, 3) as (x, y, z), z > 0."""
        # At the lens and behind it a projection has no meaning.
        x, y, z = points[:, 0], points[:, 1], np.maximum(points[:, 2], 0.3)
        scale = self.focal_px / z
        column = self.centre_px + scale * (x + (self.slope + self.bend * z) * z - self.x)
        row = self.horizon_px + scale * (self.height - self.rise * z * z - y)
        return np.stack([column, row], 1)

    def scale(self, z: float) -> float:
        """Return pixels a metre at distance z."""
        return self.focal_px / max(z, 0.3)


@dataclasses.dataclass(frozen=True)
class Air:
    """What lies between object and lens: colours fade to `colour` with distance."""

    colour: Colour
    per_metre: float

    def fade(self, colour: Colour, z: float) -> Colour:
        """Return `colour` as seen from z metres."""
        kept = float(np.exp(-self.per_metre * z))
        red, green, blue = (
            kept * c + (1 - kept) * a for c, a in zip(colour, self.colour, strict=True)
        )
        return red, green, blue


class Canvas:
    """Image uint8 (height, width, 3) RGB and label ids uint8 (height, width), at twice the size."""

    def __init__(self, size: tuple[int, int], camera: Camera, air: Air) -> None:
        """Start black and unlabelled; `size` is the final (height, width)."""
        self.height, self.width = (SUPERSAMPLING * length for length in size)
        self.image = np.zeros((self.height, self.width, 3), np.uint8)
        self.labels = np.zeros((self.height, self.width), np.uint8)
        self.camera = camera
        self.air = air

    def fill(self, points_px: np.ndarray, colour: Colour, z: float, label: int | None) -> None:
        """Fill a polygon (n, 2) of (column, row); label None keeps the labels that are there."""
        corners = _fixed_point(points_px)
        cv2.fillPoly(self.image, [corners], self.air.fade(colour, z), cv2.LINE_8, _SHIFT)
        if label is not None:
            cv2.fillPoly(self.labels, [corners], label, cv2.LINE_8, _SHIFT)

    def face(self, points: np.ndarray, colour: Colour, label: int | None) -> None:
        """Fill the polygon through world points (n, 3)."""
        self.fill(self.camera.project(points), colour, float(points[:, 2].mean()), label)

    def limb(
        self,
        start_px: np.ndarray,
        end_px: np.ndarray,
        widths_px: tuple[float, float],
        colour: Colour,
        z: float,
        label: int | None,
    ) -> None:
        """Fill a rounded stroke that is `widths_px` wide at its two ends."""
        along = end_px - start_px
        length = max(float(np.hypot(*along)), 1e-6)
        along = along / length
        across = np.array([-along[1], along[0]])
        near, far = widths_px[0] / 2, widths_px[1] / 2
        outline = np.array(
            [
                start_px + across * near,
                end_px + across * far,
                end_px + (across + along) * far * 0.7,
                end_px + along * far,
                end_px + (along - across) * far * 0.7,
                end_px - across * far,
                start_px - across * near,
                start_px - (across + along) * near * 0.7,
                start_px - along * near,
                start_px + (across - along) * near * 0.7,
            ]
        )
        self.fill(outline, colour, z, label)

    def post(
        self,
        bottom: tuple[float, float, float],
        top: tuple[float, float, float],
        width: float,
        colour: Colour,
        label: int | None,
    ) -> None:
        """Draw a straight bar, `width` metres thick and at least a pixel of the final picture."""
        ends = self.camera.project(np.array([bottom, top], float))
        thick = max(width * self.camera.scale((bottom[2] + top[2]) / 2), float(SUPERSAMPLING))
        along = ends[1] - ends[0]
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6) * thick / 2
        outline = np.array([ends[0] + across, ends[1] + across, ends[1] - across, ends[0] - across])
        self.fill(outline, colour, bottom[2], label)

    def disc(
        self,
        centre_px: np.ndarray,
        radii_px: tuple[float, float],
        colour: Colour,
        z: float,
        label: int | None,
    ) -> None:
        """Fill an upright ellipse with radii (across, along the rows)."""
        self.fill(centre_px + CIRCLE * radii_px, colour, z, label)

    def shade(self, points_px: np.ndarray, factor: float) -> None:
        """Multiply the image inside a polygon: a shadow; labels stay."""
        low = np.floor(points_px.min(0)).astype(int)
        high = np.ceil(points_px.max(0)).astype(int) + 1
        left, top = max(low[0], 0), max(low[1], 0)
        right, bottom = min(high[0], self.width), min(high[1], self.height)
        if left >= right or top >= bottom:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(mask, [_fixed_point(points_px - (left, top))], 255, cv2.LINE_8, _SHIFT)
        part = self.image[top:bottom, left:right]
        cv2.copyTo(cv2.convertScaleAbs(part, alpha=factor), mask, part)


def _circle(corners: int) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


CIRCLE = _circle(14)


def _fixed_point(points_px: np.ndarray) -> np.ndarray:
    # Corners far outside would overflow OpenCV's fixed-point numbers.
    inside = np.clip(points_px, -_FARTHEST_PX, _FARTHEST_PX)
    return np.rint(inside * (1 << _SHIFT)).astype(np.int32)


def box_outline(x: tuple[float, float], y: tuple[float, float], z: float) -> np.ndarray:
    """Return the corners (4, 3) of an upright rectangle that faces the camera."""
    return np.array([(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)], float)


def varied(colour: Colour, rng: np.random.Generator, amount: float = 12.0) -> Colour:
    """Return a colour near `colour`: common brightness and a little of each channel, 0..255."""
    change = rng.normal(0, amount) + rng.normal(0, amount / 4, 3)
    red, green, blue = np.clip(np.array(colour) + change, 0, 255)
    return float(red), float(green), float(blue)


def scaled(colour: Colour, factor: float) -> Colour:
    """Return `colour` times `factor`, at most 255."""
    red, green, blue = (min(255.0, c * factor) for c in colour)
    return red, green, blue
