"""Drawn streets for visitors without a picture at hand."""

from functools import cache

import numpy as np

SEEDS = (3, 11, 20)
_SIZE = (480, 640)


@cache
def example(number: int) -> bytes:
    """Return a drawn street as JPEG; number: of `SEEDS`."""
    import cv2

    quality = (cv2.IMWRITE_JPEG_QUALITY, 92)
    return cv2.imencode(".jpg", drawn(number)[..., ::-1], quality)[1].tobytes()


def drawn(number: int) -> np.ndarray:
    """Return a drawn street, RGB uint8 (height, width, 3)."""
    from roadseg.data_conversion.scenes.compose import draw_scene

    return draw_scene(_SIZE, np.random.default_rng(SEEDS[number]))[0]
