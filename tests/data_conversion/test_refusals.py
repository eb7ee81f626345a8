"""Messages on damaged sources and records that no other test raises: one line each."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.raw.class_table import read_class_table
from roadseg.data_conversion.raw.find import Search, walk
from roadseg.data_conversion.raw.image_files import read_label
from roadseg.data_conversion.raw.list_files import lines_of, pairs_of_list
from roadseg.data_conversion.raw.pairing import below, pair_up
from roadseg.data_conversion.raw.pictures import PictureRules, decode_picture, read_file
from roadseg.data_conversion.raw.png_chunks import check_png
from roadseg.data_conversion.raw.polygons import draw_polygons
from roadseg.data_conversion.raw.source import Pair, Source
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.read.tfrecord_files import read_record, record_spans
from roadseg.data_conversion.read.two_cameras import open_two_cameras
from roadseg.data_conversion.sets.cityscapes import as_classes, cityscapes_source
from roadseg.data_conversion.sets.dual_camera import dual_camera_source
from roadseg.data_conversion.sets.kitti import frame_number, kitti_source
from roadseg.data_conversion.sets.mapillary import mapillary_source, read_config, refuse_other_ids
from roadseg.data_conversion.sets.pair_options import DualCameraOptions
from roadseg.data_conversion.sets.street_scenes import write_street_scenes
from roadseg.data_conversion.write.write import write_records
from roadseg.files import refuse_unwritable
from tests.data_conversion.small_sets import small_kitti
from tests.data_conversion.support import id_map, picture, small_cityscapes, write_png
from tests.examples import example_values, serialized
from tests.support import assert_refused


def split_without_images(folder: Path) -> None:
    for path in small_cityscapes(folder).glob("leftImg8bit/val/*/*"):
        path.unlink()
    cityscapes_source(folder, splits=("val",))


def two_cameras_in_colours(folder: Path) -> None:
    table = folder / "c.yaml"
    table.write_text("labels: colours\nclasses: [{name: a, colour: [1, 2, 3]}]")
    DualCameraOptions(source=folder, to=folder, classes=table).plan()


def frames_of_one_number(folder: Path) -> None:
    for name in ("fov120_00001.png", "fov120_1.png", "fov60_00001.png"):
        write_png(folder / "image_train" / name, picture(0))
    dual_camera_source(folder)


def labels_of_one_name(folder: Path) -> None:
    for name in ("fov120_00001.png", "fov60_00001.png"):
        write_png(folder / "image_train" / name, picture(0))
        for place in (".", "more"):
            write_png(folder / "image_label" / place / name, id_map(0))
    dual_camera_source(folder)


def vistas_of_other_names(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({"labels": [{"name": "moon", "color": [1, 2, 3]}]}))
    read_config(path)


def vistas_of_other_ids(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({"labels": [{"name": "moon", "color": [1, 2, 3]}]}))
    refuse_other_ids(path)


def utf16_that_is_none(folder: Path) -> None:
    (folder / "list.txt").write_bytes(b"\xff\xfea\x00\x00\xd8")
    list(lines_of(folder / "list.txt"))


def a_list_of_bytes(folder: Path) -> None:
    (folder / "list.txt").write_bytes(b"a\0b")
    list(lines_of(folder / "list.txt"))


def images_without_labels(folder: Path) -> None:
    images, search = [folder / "a.png", folder / "b.png"], Search()
    pair_up(search, images, [], below(folder), below(folder), lambda image: folder / "labels")
    search.finish()


def kitti_labels_called_alike(folder: Path) -> None:
    small_kitti(folder)
    for name in ("000000_10", "000001_10"):
        write_png(folder / "training" / "semantic" / f"{name}.PNG", id_map(0))
    kitti_source(folder)


def labels_called_alike(folder: Path) -> None:
    labels = [folder / "x" / "a.png", folder / "y" / "a.png"]
    pair_up(Search(), [], labels, str, lambda path: path.stem, None)


def a_float_picture(folder: Path) -> None:
    path = folder / "a.tif"
    cv2.imwrite(str(path), np.zeros((4, 5), np.float32))
    decode_picture(path.read_bytes(), path)


def a_file_for_a_folder(folder: Path) -> None:
    (folder / "to").touch()
    refuse_unwritable(folder / "to", is_folder=True)


def a_pipe_for_a_table(folder: Path) -> None:
    os.mkfifo(folder / "c.yaml")
    read_class_table(folder / "c.yaml")


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "a.png")
    read_file(folder / "a.png")


def a_huge_header(folder: Path) -> None:
    # A BMP header alone: 30,000 x 30,000 pixels, more than Pillow opens.
    size = (30_000).to_bytes(4, "little")
    header = b"BM" + bytes(8) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    header += size + size + b"\1\0\x18\0" + bytes(24)
    decode_picture(header, folder / "a.bmp")


def an_outline_of_one_point(folder: Path) -> None:
    objects = [{"label": "road", "polygon": [[1, 1]]}]
    path = folder / "a.json"
    path.write_text(json.dumps({"imgWidth": 9, "imgHeight": 9, "objects": objects}))
    draw_polygons(path, label_tables.get("cityscapes"))


def two_images_of_one_name(folder: Path) -> None:
    pairs = tuple(Pair(name, folder / "a.png", None) for name in "abab")
    Source("city", label_tables.get("cityscapes"), {"train": pairs})


def a_split_called(name: str) -> Callable[[Path], object]:
    pairs = (Pair("a", Path("a.png"), None),)
    return lambda folder: Source("city", label_tables.get("cityscapes"), {name: pairs})


def shortened_record(folder: Path) -> None:
    path = folder / "a.tfrecord"
    shard(path, [b"12345"])
    (start, length) = record_spans(path)[0]
    path.write_bytes(path.read_bytes()[:-2])
    read_record(path, int(start), int(length))


def no_scene(folder: Path) -> None:
    write_street_scenes(folder, train=0, val=0)


def flow_in_one_shard_alone(folder: Path) -> None:
    second = {f"second/{key}": value for key, value in example().items()}
    flow = {"flow/encoded": b"PIEH", "flow/format": b"flo"}
    shard(folder / "val-00000-of-00002.tfrecord", [serialized({**example(), **second})])
    shard(folder / "val-00001-of-00002.tfrecord", [serialized({**example(), **second, **flow})])
    open_two_cameras(folder, "val")


def shard(path: Path, records: list[bytes]) -> None:
    import tensorflow as tf

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    (path.parent / "label_table.json").write_text(label_tables.get("cityscapes").to_json())


def records_of(*examples: bytes) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        shard(folder / "val-00000-of-00001.tfrecord", list(examples))
        open_records(folder, "val")

    return run


def example() -> dict[str, bytes | int]:
    return example_values(picture(0), id_map(0) % 19, "a")


def good(**changes: object) -> bytes:
    return serialized({**example(), **changes})


def info(text: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        (folder / "dataset_info.json").write_text(text)
        open_records(folder, "train")

    return run


def a_height_of_no_number(folder: Path) -> None:
    import tensorflow as tf

    values = tf.train.Example.FromString(good())
    values.features.feature["image/height"].int64_list.Clear()
    records_of(values.SerializeToString())(folder)


def fewer_records_than_were_written(folder: Path) -> None:
    shard(folder / "x-val.tfrecord-00000-of-00001", [good()])
    splits = [{"name": "val", "shardLengths": ["2"]}]
    (folder / "dataset_info.json").write_text(json.dumps({"name": "x", "splits": splits}))
    open_records(folder, "val")


def a_signed_picture(folder: Path) -> None:
    from PIL import Image

    file = folder / "a.tif"
    Image.fromarray(id_map(0)).save(file, tiffinfo={339: 2})
    decode_picture(file.read_bytes(), file)


def a_label(pixels: np.ndarray) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        cv2.imwrite(str(folder / "a.png"), pixels)
        return read_label(folder / "a.png")

    return run


def a_label_of_two_pictures(folder: Path) -> None:
    from PIL import Image

    first, second = (Image.fromarray(id_map(seed)) for seed in (0, 1))
    first.save(folder / "a.png", save_all=True, append_images=[second])
    read_label(folder / "a.png")


def a_list(*lines: str) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        for name in ("a.png", "b.png", "l.png", "m.png"):
            (folder / name).touch()
        (folder / "list.txt").write_text("\n".join(lines))
        return pairs_of_list(folder / "list.txt", folder, lambda image: image.stem)

    return run


def a_table(text: str) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        (folder / "c.yaml").write_text(text)
        return read_class_table(folder / "c.yaml")

    return run


def broken_pixels(encoded: bytes) -> bytes:
    """Return a PNG whose checksums are right and whose pixels are not."""
    import struct
    import zlib

    start = encoded.index(b"IDAT") - 4
    (length,) = struct.unpack(">I", encoded[start : start + 4])
    body = b"IDAT" + zlib.compress(b"too short")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return encoded[:start] + chunk + encoded[start + 12 + length :]


def chunks(*kinds: bytes) -> bytes:
    """Return a PNG of chunks without content, whose checksums are right."""
    import struct
    import zlib

    parts = (struct.pack(">I", 0) + kind + struct.pack(">I", zlib.crc32(kind)) for kind in kinds)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def of_size(encoded: bytes, side: int) -> bytes:
    """Return a PNG whose header says `side` x `side`, with the pixels that it had."""
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">II", side, side) + encoded[24:29]
    return encoded[:12] + header + struct.pack(">I", zlib.crc32(header)) + encoded[33:]


def without_pixels() -> bytes:
    encoded = cv2.imencode(".png", id_map(0))[1].tobytes()
    return encoded[:33] + chunks(b"IEND")[8:]


def a_palette_label_that_is_broken(folder: Path) -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(id_map(0)).convert("P").save(file, "PNG")
    (folder / "a.png").write_bytes(broken_pixels(file.getvalue()))
    read_label(folder / "a.png")


def two_pages(folder: Path) -> None:
    from PIL import Image

    page = Image.fromarray(id_map(0))
    page.save(folder / "a.tif", save_all=True, append_images=[page])
    decode_picture((folder / "a.tif").read_bytes(), folder / "a.tif")


def records_without_a_table(folder: Path) -> None:
    shard(folder / "val-00000-of-00001.tfrecord", [good()])
    (folder / "label_table.json").unlink()
    open_records(folder, "val")


def no_shards(folder: Path) -> None:
    source = Source("city", label_tables.get("cityscapes"), {"val": (Pair("a", folder, None),)})
    write_records(source, None, folder, shards=0)


def train_ids_of_categories(folder: Path) -> None:
    source = Source("city", label_tables.get("cityscapes"), {"val": (Pair("a", folder, None),)})
    as_classes(dataclasses.replace(source, coding="train"), "categories")


LABEL = "image/segmentation/class/encoded"
BROKEN = broken_pixels(cv2.imencode(".png", id_map(0) % 19)[1].tobytes())
TWO = "classes: [{colour: [1, 2, 3], name: %s}, {colour: [1, 2, 3], name: %s}]"
INFO = {"name": "x", "splits": [{"name": "train", "shardLengths": ["1"]}], "fileFormat": "riegeli"}
REFUSALS: list[tuple[Callable[[Path], object], str]] = [
    (split_without_images, "no \\*/\\*_leftImg8bit.png; leave split 'val' out"),
    (two_cameras_in_colours, "c.yaml: labels: colours; two cameras have labels of ids"),
    (frames_of_one_number, "fov120_1.png: .*fov120_00001.png has the same number"),
    (labels_of_one_name, "00001.png has the same name; remove one"),
    (lambda folder: frame_number(folder / "x.png"), "x.png: not the name of a KITTI frame"),
    (vistas_of_other_names, "config.json: .*; classes of Vistas v1.2 are wanted"),
    (vistas_of_other_ids, "config.json: id 0 is 'moon', in Vistas v1.1 and v1.2 it is 'animal"),
    (lambda folder: list(walk(folder / "x")), "x: cannot be listed"),
    (lambda folder: list(lines_of(folder / "x")), "x: cannot be read .*; --list names a list"),
    (utf16_that_is_none, "list.txt: cannot be read \\(not text\\); save it as UTF-8"),
    (a_list_of_bytes, "list.txt: cannot be read \\(not text\\); --list names"),
    (images_without_labels, "2 images without label \\(a.png, b.png\\), .* and so on are missing"),
    (kitti_labels_called_alike, "semantic: 2 faults: 000000_10.png: .* name; 000001_10.png: .* na"),
    (labels_called_alike, "y/a.png: .*x/a.png has the same name; remove one"),
    (lambda _: PictureRules(float_range=(1.0, 0.0)), "--float-range 1 0: wanted two numbers"),
    (lambda _: PictureRules(max_megapixels=0.0), "--max-megapixels 0: wanted above 0"),
    (lambda _: PictureRules().check_size(20_000, 9_000, "a.png"), "a.png: 20000x9000 are 180 meg"),
    (a_float_picture, "a.tif: float pixels, whose black and white no file says"),
    (a_file_for_a_folder, "to: cannot write here .a file lies where a folder is needed.; change"),
    (a_pipe_for_a_table, "c.yaml: no class table .no regular file.; see --help"),
    (a_pipe, "a.png: no regular file; leave it out"),
    (lambda folder: read_file(folder / "x.png"), "x.png: cannot be read"),
    (lambda folder: decode_picture(b"text", folder / "x.png"), "x.png: not a whole image .of no f"),
    (a_huge_header, "a.bmp: .* megapixels; cut it into tiles"),
    (a_signed_picture, "a.tif: not a whole image .samples with a sign; save it"),
    (a_label(np.zeros((4, 5, 3), np.uint16)), "a.png: 16-bit RGB; save labels as 16-bit grey"),
    (a_label(np.zeros((4, 5, 4), np.uint16)), "a.png: 16-bit RGB with alpha; save labels as"),
    (a_label_of_two_pictures, "a.png: 2 pictures in one label; save the one meant"),
    (a_list("a.png l.png", "./a.png l.png"), "line 2: the same files as in line 1"),
    (a_list("a.png l.png", "b.png l.png", "a.png m.png"), "line 3: .*a.png, with another label in"),
    (a_table(TWO % ("road", "road")), "two classes are called 'road'"),
    (a_table(TWO % ('"a\\nb"', "sky")), "class 0: name 'a.*b' is no word"),
    (a_table("rest: []\n" + TWO % ("a", "b, labelled: false")), "rest: no value; say which"),
    (a_table("classes:\n" + 256 * "  - {name: a, colour: [1, 2, 3]}\n"), "255 classes, got 256"),
    (an_outline_of_one_point, "a.json: 'road' has an outline of one point; mend it"),
    (two_images_of_one_name, "two images of 'train' are called 'a', 'b'; rename one"),
    (a_palette_label_that_is_broken, "a.png: damaged PNG "),
    (two_pages, "a.tif: 2 pictures in one file; save the one that is meant"),
    (lambda f: check_png(chunks(b"IHDR"), f / "a.png"), "a.png: damaged PNG .no header that a PNG"),
    (lambda f: check_png(without_pixels(), f / "a.png"), "a.png: damaged PNG .no pixels in it."),
    (lambda _: Source("city", label_tables.get("camvid"), {}), "city: no split to convert; check"),
    (records_of(good(**{"image/encoded": b"text"})), "its image is neither PNG nor JPEG"),
    (records_of(good(**{LABEL: b"text"})), "its label is no PNG; records hold 8-bit grey PNG"),
    (records_of(good(**{"image/height": 7})), "says 7x40, its image is 24x40 and its label 24x40"),
    (
        records_of(good(**{LABEL: of_size(example()[LABEL], 20_000)})),
        "its label 20000x20000",
    ),
    (
        records_of(good(**{"image/encoded": of_size(example()["image/encoded"], 20_000)})),
        "its image has more than 178 megapixels; cut it into tiles and convert",
    ),
    (records_of(good(**{"image/filename": b"a\0b"})), "its name b'a.*b' is not UTF-8; convert"),
    (records_without_a_table, "no label_table.json beside the records; put one there"),
    (no_shards, "--shards 0 --workers .*: both must be 1 or more"),
    (train_ids_of_categories, "--classes categories --labels train: train ids are those of 19"),
    (lambda f: mapillary_source(f), "neither training nor validation"),
    (a_split_called("train+"), "city: a split is called 'train.'; wanted letters, digits"),
    (a_split_called("a b[1]"), "city: a split is called 'a b.1.'; wanted letters, digits"),
    (shortened_record, "a.tfrecord: (shorter than|truncated)"),
    (flow_in_one_shard_alone, "some records of 'val' lack a flow; convert it again"),
    (no_scene, "--train 0 --val 0 --size .*: at least one scene"),
    (records_of(b"\x0a\xff"), "not a TFRecord of examples"),
    (records_of(good(), b"\x0a\xff"), "record 1: not an example; convert"),
    (records_of(good(), good(**{LABEL: None})), f"record 1: '{LABEL}' is empty or missing"),
    (records_of(good(**{LABEL: BROKEN})), "record 0 .*: its label cannot be decoded"),
    (a_height_of_no_number, "record 0: 'image/height' or 'image/width' is empty; convert"),
    (fewer_records_than_were_written, "'val' holds 1 examples, 2 were written; files are missing"),
    (info("[]"), "dataset_info.json: not what tfds writes \\(list\\)"),
    (info(json.dumps(INFO)), "files are riegeli, not tfrecord; convert"),
    (info(json.dumps({**INFO, "splits": [{"name": "train", "shardLengths": [-1]}]})), "of -1 rec"),
]


@pytest.mark.parametrize(("refused", "message"), REFUSALS)
def test_the_message_is_raised_and_is_one_line(
    refused: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    assert_refused(refused, message, tmp_path)
