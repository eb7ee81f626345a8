"""Whatever a reader accepts reads back to what was written; what is damaged is refused or the same.

Files are drawn by hypothesis. PNG and zip files carry checksums, so a damaged one gives the same
values or none; formats without may give other pixels, and nothing but pixels or one line.
"""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadseg.data_conversion.raw.class_table import read_class_table
from roadseg.data_conversion.raw.image_files import read_label
from roadseg.data_conversion.raw.list_files import pairs_of_list
from roadseg.data_conversion.raw.pictures import decode_picture, orientation, turned
from roadseg.errors import RoadsegError
from roadseg.npz import ArrayFile
from roadseg.two_cameras.flow_files import decode_flow, encode_flow
from roadseg.weights.safetensors import read_safetensors
from tests.data_conversion.raw import files

KEEP = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DAMAGED = settings(KEEP, max_examples=150)
MANY = settings(KEEP, max_examples=5000)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1
)


@KEEP
@given(files.lossless_pictures())
def test_pictures_of_every_kind_read_back_to_their_pixels(file: tuple[bytes, str, np.ndarray]):
    content, ending, expected = file
    np.testing.assert_array_equal(decode_picture(content, Path(f"a{ending}")), expected)


@pytest.mark.parametrize("number", range(1, 9))
def test_every_orientation_comes_upright_from_jpeg(number: int):
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8], upright[:8, 16:] = (250, 0, 0), (0, 250, 0)
    stored = files.STORED[number](upright)
    content = files.encoded(stored, "JPEG", quality=95, subsampling=0, exif=files.exif(number))
    found = decode_picture(content, Path("a.jpg")).astype(int)
    assert found.shape == upright.shape and np.abs(found - upright).mean() < 4
    np.testing.assert_array_equal(turned(stored, number), upright)


def test_an_orientation_that_is_none_is_taken_for_upright():
    from PIL import Image

    for number in (0, 9, 700):
        content = files.encoded(files.pixels(1, 4, 6, 3), "PNG", exif=files.exif(number))
        assert orientation(Image.open(io.BytesIO(content))) == 1


@KEEP
@given(files.labels())
def test_labels_of_every_depth_read_back_to_their_samples(tmp_path: Path, file: Any):
    content, expected = file
    (tmp_path / "label.png").write_bytes(content)
    np.testing.assert_array_equal(read_label(tmp_path / "label.png").values, expected)


NAMES = st.text("abcXYZ019 ,;.-_'ä", min_size=1, max_size=9).map(lambda s: f"x{s.strip()}y")


@KEEP
@given(
    names=st.lists(NAMES, min_size=1, max_size=5, unique=True),
    sign=st.sampled_from(["\t", ",", " "]),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_lists_read_back_to_their_files(
    tmp_path: Path, names: list[str], sign: str, end: str, mark: str
):
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if sign == " " else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=sign, quoting=quoting, lineterminator=end)
    for name in names:
        for folder in ("images", "labels"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.png").touch()
        writer.writerow([f"images/{name}.png", f"labels/{name}.png"])
    path = tmp_path / "list.txt"
    path.write_bytes(f"{mark}# image label{end}{end}{text.getvalue()}".encode())
    pairs = pairs_of_list(path, tmp_path, lambda image: image.stem)
    assert [pair.image.stem for pair in pairs] == names
    assert [pair.label.stem for pair in pairs if pair.label] == names


@KEEP
@given(st.lists(WORDS.filter(lambda word: bool(word.strip())), min_size=1, max_size=6, unique=True))
def test_class_tables_read_back_to_the_names_in_them(tmp_path: Path, names: list[str]):
    rows = [
        f"  - {{name: {_quoted(name)}, colour: [1, 2, 3], ids: {i:03d}}}"
        for i, name in enumerate(names)
    ]
    path = tmp_path / "classes.yaml"
    path.write_text("\n".join(["name: city", "classes:", *rows, ""]), encoding="utf-8")
    table, _ = read_class_table(path)
    assert table.names == tuple(names)
    assert [label.id for label in table.label_ids if label.train_id != 255] == list(
        range(len(names))
    )


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def arrays(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = [(), (3,), (2, 0), (3, 3, 2, 4)]
    return {f"layer{i}.w": random.normal(size=shape).astype("f4") for i, shape in enumerate(shapes)}


def npz(values: dict[str, np.ndarray], compressed: bool) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **values)
    return file.getvalue()


def safetensors(values: dict[str, np.ndarray]) -> bytes:
    import json
    import struct

    header, data = {}, b""
    for name, array in values.items():
        place = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": place}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@KEEP
@given(st.integers(0, 1 << 16), st.sampled_from(["stored", "compressed", "safetensors"]))
def test_weights_read_back_to_their_arrays(tmp_path: Path, seed: int, form: str):
    values = arrays(seed)
    path = tmp_path / "w"
    path.write_bytes(
        safetensors(values) if form == "safetensors" else npz(values, form != "stored")
    )
    found = read_safetensors(path) if form == "safetensors" else ArrayFile(path)
    assert set(found) == set(values)
    for name, array in values.items():
        np.testing.assert_array_equal(found[name], array)


def same_or_refused(read: Any, expected: Any, exact: bool) -> None:
    """Check that `read` gives what was written, or one line; where nothing tells, pixels at all."""
    try:
        found = read()
    except RoadsegError as error:
        assert ";" in str(error) or ":" in str(error)
        assert "\n" not in str(error)
        return
    if exact:
        np.testing.assert_array_equal(found, expected)
    else:
        assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3


def damaged_picture(data: Any, tmp_path: Path) -> None:
    content, ending, expected = data.draw(files.lossless_pictures())
    spoilt = data.draw(files.damage(content))
    exact = content.startswith(b"\x89PNG") and spoilt.startswith(b"\x89PNG")
    same_or_refused(lambda: decode_picture(spoilt, Path(f"a{ending}")), expected, exact)


def damaged_label(data: Any, tmp_path: Path) -> None:
    content, expected = data.draw(files.labels())
    path = tmp_path / "label.png"
    path.write_bytes(data.draw(files.damage(content)))
    same_or_refused(lambda: read_label(path).values, expected, True)


def damaged_weights(data: Any, tmp_path: Path) -> None:
    values = arrays(data.draw(st.integers(0, 99)))
    path = tmp_path / "w.npz"
    path.write_bytes(data.draw(files.damage(npz(values, data.draw(st.booleans())))))

    def read() -> Any:
        found = ArrayFile(path)
        # A name has no checksum of its own: an array may be lost, or called otherwise.
        return np.concatenate([found[name].ravel() for name in values if name in found] or [[]])

    def known() -> Any:
        found = ArrayFile(path)
        return np.concatenate([values[name].ravel() for name in values if name in found] or [[]])

    try:
        expected = known()
    except RoadsegError:
        return
    same_or_refused(read, expected, True)


def damaged_flow(data: Any, tmp_path: Path) -> None:
    flow = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(3, 5, 2)).astype("f4")
    spoilt = data.draw(files.damage(encode_flow(flow)))
    try:
        assert decode_flow(spoilt, Path("a.flo")).ndim == 3
    except RoadsegError as error:
        assert "a.flo: " in str(error)


def damaged_table(data: Any, tmp_path: Path) -> None:
    entries = "  - {name: road, colour: [1, 2, 3]}\n  - {name: sky, colour: [4, 5, 6]}\n"
    text = f"name: city\nclasses:\n{entries}"
    path = tmp_path / "classes.yaml"
    path.write_bytes(data.draw(files.damage(text.encode())))
    try:
        assert read_class_table(path)[0].num_classes
    except RoadsegError as error:
        assert "classes.yaml: " in str(error) and "\n" not in str(error)


def damaged_list(data: Any, tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir(exist_ok=True)
    for name in ("1.png", "2.png", "ab/3.png"):
        (tmp_path / name).touch()
    path = tmp_path / "list.txt"
    path.write_bytes(data.draw(files.damage(b"1.png ab/3.png\n2.png\tab/3.png\n")))
    try:
        pairs = pairs_of_list(path, tmp_path, lambda image: image.stem)
    except RoadsegError as error:
        assert "list.txt" in str(error) and "\n" not in str(error)
        return
    assert pairs and all(pair.image.is_file() and pair.label.is_file() for pair in pairs)


KINDS = [damaged_picture, damaged_label, damaged_weights, damaged_flow, damaged_table, damaged_list]


@DAMAGED
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_damaged_files_are_read_right_or_refused(tmp_path: Path, data: Any, kind: Any):
    kind(data, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[:4])
def test_twenty_thousand_damaged_files_are_read_right_or_refused(tmp_path: Path, kind: Any):
    MANY(given(data=st.data())(lambda data: kind(data, tmp_path)))()
