"""What the page is told: one JSON object a line, with arrays as compressed bytes in base64."""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from roadseg.eval.page.limits import Limits
from roadseg.eval.page.panels import Found, Panel
from roadseg.eval.page.uploads import Frame

_QUALITY = 88  # of the JPEG that is shown; labels are found in the picture itself
_LEVEL = 3  # of zlib: label maps shrink to a hundredth at any level


def line(values: Any) -> bytes:
    """Return `values` as a line of JSON."""
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def about(panels: Sequence[Panel], limits: Limits, examples: int) -> dict[str, Any]:
    """Return what the page has to know before anything is dropped on it."""
    table = panels[0].inference.label_table
    return {
        "title": panels[0].inference.title,
        "panels": [{"name": panel.name, "note": panel.note} for panel in panels],
        "classes": [
            {"name": name, "colour": colour}
            for name, colour in zip(table.names, table.colours, strict=True)
        ],
        "examples": examples,
        "limits": {
            "bytes": limits.max_bytes,
            "megapixels": limits.max_megapixels,
            "seconds": limits.max_seconds,
            "frames": limits.max_frames,
        },
    }


def frame(shown: Frame, found: Sequence[Found]) -> dict[str, Any]:
    """Return one picture and what each panel found in it.

    labels: bytes, a train id each; confidence: bytes, 255 for 1; points: pairs of little-endian
    16-bit numbers, (row, column), 65535 for 1. All compressed by zlib.
    """
    return {
        "second": round(shown.second, 3),
        "size": shown.image.shape[:2],
        "stored": shown.stored,
        "picture": _jpeg(shown.image),
        "found": [_found(each) for each in found],
    }


def _found(found: Found) -> dict[str, Any]:
    sure, points = found.confidence, found.locations
    return {
        "labels": _packed(found.labels),
        "confidence": None if sure is None else _packed(_levels(sure, 255, "u1")),
        "points": None if points is None else _packed(_levels(points, 65_535, "<u2")),
        "milliseconds": round(found.milliseconds, 1),
    }


def _levels(shares: np.ndarray, most: int, kind: str) -> np.ndarray:
    """Return shares of 0..1 as whole numbers up to `most`."""
    return np.rint(np.clip(shares, 0, 1) * most).astype(kind)


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), _LEVEL)).decode()


def _jpeg(image: np.ndarray) -> str:
    import cv2

    quality = (cv2.IMWRITE_JPEG_QUALITY, _QUALITY)
    return base64.b64encode(cv2.imencode(".jpg", image[..., ::-1], quality)[1].tobytes()).decode()
