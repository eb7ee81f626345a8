"""Crops cut out of encoded images are, bit for bit, those of the whole image scaled and cropped."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from roadseg.ops.resize import resize_bilinear, resize_nearest
from roadseg.train.data import augment, crops
from roadseg.train.data.crops import Cut, Frame, read_png
from tests.train import tiny

RANDOM = np.random.default_rng(0)


def filtered(pixels: np.ndarray, kinds: list[int]) -> bytes:
    """Return the rows of a PNG, each by its filter, as the specification has them."""
    height, width, channels = pixels.shape
    wide = np.zeros((height + 1, width + 1, channels), int)
    wide[1:, 1:] = pixels
    left, above, corner = wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1]
    estimate = left + above - corner
    off = np.abs(np.stack([estimate - left, estimate - above, estimate - corner]))
    paeth = np.choose(off.argmin(0), [left, above, corner])
    guesses = [np.zeros_like(left), left, above, (left + above) // 2, paeth]
    rows = [
        bytes([kind]) + ((pixels[row] - guesses[kind][row]) % 256).astype(np.uint8).tobytes()
        for row, kind in enumerate(kinds)
    ]
    return b"".join(rows)


def png(pixels: np.ndarray, kinds: list[int], pieces: int = 3, level: int = 6) -> bytes:
    """Return a PNG of uint8 (height, width, 1 or 3) in several IDAT chunks."""
    height, width, channels = pixels.shape
    data = zlib.compress(filtered(pixels, kinds), level)
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    step = -(-len(data) // pieces)
    parts = [(b"IHDR", header), (b"tEXt", b"a\0b")]
    parts += [(b"IDAT", data[at : at + step]) for at in range(0, len(data), step)]
    return crops.PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [*parts, (b"IEND", b"")]
    )


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return pixels that are smooth in part, as filters meet them, and random in part."""
    rows, columns = np.mgrid[:height, :width]
    smooth = (3 * rows + 5 * columns)[..., None] + 40 * np.arange(channels)
    noise = RANDOM.integers(0, 256, (height, width, channels))
    return np.where((columns // 7 % 2)[..., None], smooth % 256, noise).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, None])
def test_every_filter_is_undone_in_every_part(channels: int, kind: int | None) -> None:
    pixels = picture(23, 31, channels)
    kinds = [row % 5 if kind is None else kind for row in range(23)]
    content = png(pixels, kinds)
    whole = tf.io.decode_png(content, channels=channels).numpy()
    np.testing.assert_array_equal(whole, pixels)  # what is undone here is a PNG to others too
    for window in ((0, 0, 23, 31), (5, 7, 6, 8), (3, 0, 20, 30), (22, 30, 23, 31), (0, 11, 9, 31)):
        top, left, bottom, right = window
        found = read_png(content, (23, 31), channels, window)
        np.testing.assert_array_equal(found, pixels[top:bottom, left:right])


def reference(image: np.ndarray, label: np.ndarray, cut: Cut, frame: Frame) -> list[np.ndarray]:
    """Return crop and label by the whole image: scaled, cut, flipped and laid in the frame."""
    corners, nearest = {"aligned": (True, True), "half_pixel": ("half_pixel", False)}[frame.scaling]
    # As in a pipeline, whose sizes are tensors: columns first.
    target = tf.unstack(tf.constant(cut.target))
    blended = tf.round(resize_bilinear(image[None], target, corners))[0].numpy()
    found = []
    for whole, padding in (
        (blended.astype(np.uint8), frame.padding),
        (resize_nearest(label[None, ..., None], target, nearest)[0, ..., 0].numpy(), 255),
    ):
        part = whole[cut.begin[0] : cut.end[0], cut.begin[1] : cut.end[1]]
        part = part[:, ::-1] if cut.flipped else part
        canvas = np.full((*frame.size, *whole.shape[2:]), padding, np.uint8)
        (top, left), (height, width) = cut.place, part.shape[:2]
        canvas[top : top + height, left : left + width] = part
        found.append(canvas)
    return found


@pytest.mark.parametrize("scaling", crops.CORNERS)
@pytest.mark.parametrize("flipped", [False, True])
def test_a_crop_is_that_of_the_whole_scaled_image_to_the_last_bit(scaling, flipped):
    image, label = picture(37, 53), picture(37, 53, 1)[..., 0]
    encoded = png(image, [4] * 37), png(label[..., None], [row % 5 for row in range(37)])
    sizes = [(37, 53), (19, 26), (74, 106), (21, 99), (1, 1), (111, 160), (9, 12)]
    for target in sizes:
        for _ in range(4):
            begin, end = (RANDOM.integers(0, side, 2) for side in target)
            (top, bottom), (left, right) = (sorted(map(int, pair)) for pair in (begin, end))
            begin, end = (top, left), (bottom + 1, right + 1)
            down, across, *more = (int(n) for n in RANDOM.integers(0, 5, 4))
            place = (down, across)
            size = (down + end[0] - top + more[0], across + end[1] - left + more[1])
            cut, frame = Cut((37, 53), target, begin, end, place, flipped), Frame(size, 9, scaling)
            numbers = np.array([*(37, 53), *target, *begin, *end, *place, flipped])
            image_wanted, label_wanted = reference(image, label, cut, frame)
            whole = np.array([0, 0, 37, 53])
            for found in (
                crops.image_of_png(encoded[0], numbers, frame),
                crops.image_of_pixels(image, numbers, whole, frame),
            ):
                np.testing.assert_array_equal(found, image_wanted)
            of_labels = frame._replace(padding=255)
            for found in (
                crops.label_of_png(encoded[1], numbers, of_labels),
                crops.label_of_pixels(label, numbers, whole, of_labels),
            ):
                np.testing.assert_array_equal(found, label_wanted)


def saved(pixels: np.ndarray, form: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def assert_cut_alike(encoded: bytes, label: bytes, **changes) -> None:
    """Assert that crops of the bytes are those of the decoded pixels, wherever they lie."""
    recipe = tiny.recipe(augment={"crop_size": (48, 64), **changes})
    pixels = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    labels = tf.io.decode_png(label, channels=1)[..., 0]

    @tf.function(autograph=False)
    def cut(image, label, draw):
        return augment.random_crop(image, label, draw, recipe)

    for draw in RANDOM.random((12, 4)).astype(np.float32):
        found, wanted = cut(encoded, label, draw), cut(pixels, labels, draw)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


LABEL = saved(picture(90, 140, 1)[..., 0], "PNG")
SCALED = {"min_scale": 0.4, "max_scale": 2.5}


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("scaling", crops.CORNERS)
def test_crops_of_a_jpeg_are_those_of_the_decoded_image(subsampling: int, scaling: str) -> None:
    content = saved(picture(90, 140), "JPEG", quality=80, subsampling=subsampling)
    assert_cut_alike(content, LABEL, resize=scaling, **SCALED)


@pytest.mark.parametrize("position", ["end", "around", "centred"])
def test_crops_of_a_png_are_those_of_the_decoded_image(position: str) -> None:
    content = saved(picture(90, 140), "PNG")
    assert_cut_alike(content, LABEL, padding_position=position, padding="black", **SCALED)
    assert_cut_alike(content, LABEL, padding_position=position)


def test_pictures_of_other_kinds_are_decoded_whole() -> None:
    rgb, grey = picture(90, 140), picture(90, 140, 1)[..., 0]
    alpha = saved(np.concatenate([rgb, grey[..., None]], -1), "PNG")
    deep = tf.io.encode_png(rgb.astype(np.uint16) * 257).numpy()
    palette = io.BytesIO()
    Image.fromarray(rgb).quantize(16).save(palette, "PNG")
    for content in (alpha, deep, palette.getvalue(), saved(grey, "PNG"), saved(grey, "JPEG")):
        assert_cut_alike(content, LABEL, **SCALED)
    deep_label = tf.io.encode_png((grey.astype(np.uint16) * 257)[..., None]).numpy()
    assert_cut_alike(saved(rgb, "PNG"), deep_label, **SCALED)


def damaged_pngs() -> dict[str, tuple[bytes, str]]:
    pixels = picture(20, 30)
    good = png(pixels, [4] * 20, pieces=1)
    at = good.index(b"IDAT") + 4
    return {
        "cut": (good[: len(good) // 2], "damaged PNG"),
        "no data": (good[: at - 8], "damaged PNG"),
        "other bytes": (good[:at] + bytes(60) + good[at + 60 :], "damaged PNG"),
        "a promise": (
            good[:16] + struct.pack(">II", 50_000, 50_000) + good[24:],
            "50000x50000 pixels where 20x30 are wanted",
        ),
        "another size": (png(picture(21, 30), [0] * 21), "21x30 pixels where 20x30 are wanted"),
    }


@pytest.mark.parametrize("name", damaged_pngs())
def test_a_damaged_png_is_an_error_and_no_picture(name: str) -> None:
    content, message = damaged_pngs()[name]
    for window in ((0, 0, 20, 30), (10, 0, 15, 30)):
        with pytest.raises(ValueError, match=message):
            read_png(content, (20, 30), 3, window)


def test_a_filter_that_there_is_none_of_is_an_error() -> None:
    pixels = picture(6, 8)
    raw = bytearray(filtered(pixels, [0] * 6))
    raw[3 * 25] = 5
    content = png(pixels, [0] * 6, pieces=1)
    data, at = zlib.compress(bytes(raw)), content.index(b"IDAT") - 4
    broken = content[:at] + struct.pack(">I", len(data)) + b"IDAT" + data + bytes(4)
    with pytest.raises(ValueError, match="a row has a filter that there is none of"):
        read_png(broken, (6, 8), 3, (0, 0, 6, 8))
    np.testing.assert_array_equal(read_png(broken, (6, 8), 3, (0, 0, 3, 8)), pixels[:3])


@pytest.mark.parametrize(
    "numbers",
    [
        [20, 30, 20, 30, 0, 0, 21, 30, 0, 0, 0],  # beyond the image
        [20, 30, 20, 30, -1, 0, 20, 30, 0, 0, 0],
        [20, 30, 20, 30, 5, 5, 5, 9, 0, 0, 0],  # nothing
        [20, 30, 20, 30, 0, 0, 20, 30, 1, 0, 0],  # beyond the crop
        [40, 30, 40, 30, 20, 0, 40, 30, 0, 0, 0],  # of pixels that are not there
    ],
)
def test_numbers_that_lead_out_of_the_pixels_are_refused(numbers: list[int]) -> None:
    frame, held = Frame((20, 30), 0, "aligned"), np.array([0, 0, 20, 30])
    with pytest.raises(ValueError, match="cannot be cut from pixels"):
        crops.image_of_pixels(picture(20, 30), np.array(numbers), held, frame)
    with pytest.raises(ValueError, match="cannot be cut from pixels"):
        crops.label_of_pixels(picture(20, 30, 1)[..., 0], np.array(numbers), held, frame)


def test_a_promise_that_no_file_can_keep_is_not_waited_for() -> None:
    content = bytearray(png(picture(20, 30), [0] * 20))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(ValueError, match="bytes cannot inflate to 10800060000"):
        read_png(bytes(content), (60_000, 60_000), 3, (0, 0, 60_000, 60_000))


@pytest.mark.skipif(crops.inflater is zlib, reason="isal is not installed")
def test_zlib_takes_the_place_of_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = picture(20, 30)
    content = png(pixels, [4] * 20)
    monkeypatch.setattr(crops, "inflater", zlib)
    for window in ((0, 0, 20, 30), (2, 3, 9, 30)):
        top, left, bottom, right = window
        found = read_png(content, (20, 30), 3, window)
        np.testing.assert_array_equal(found, pixels[top:bottom, left:right])
