"""Times the input pipeline in turns with OpenCV and NumPy doing the same work, for `benchmark`.

`python -m roadseg.train.data.speed records/cityscapes --crop 832 832` prints JSON: of each round,
how many seconds and processor seconds ours and the other took for the same number of images.
"""

import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.data_conversion.read.streams import as_written
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    from roadseg.data_conversion.read.records import RecordSet
    from roadseg.recipe.recipe import Recipe

EXAMPLE = "python -m roadseg.train.data.speed records/cityscapes --crop 832 832"
BATCH = 4
SCALES = (0.5, 2.0)
LABEL_PADDING, IMAGE_PADDING = 255, 127
MOST_FILES = 64
"""Pictures of a folder that are read."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Time ours and OpenCV in turns."""

    source: Annotated[Path, tyro.conf.Positional]
    """Records, or a folder of pictures, which then have labels of one class."""
    crop: tuple[int, int] = (832, 832)
    """Height and width."""
    split: str = "train"
    """Of the records."""
    images: int = 48
    """A round, in batches of 4."""
    rounds: int = 10
    """Of ours and of OpenCV."""
    threads: int = 2
    """Of either."""
    cache: Literal["none", "encoded", "decoded"] = "none"
    """What both keep in memory."""


Turn = tuple[float, float]
"""Seconds, and processor seconds over all threads, for the images of a round."""


def main(argv: Sequence[str]) -> int:
    """Time both and print the rounds as JSON; return 0, or 2 with a line on standard error."""
    arguments = parse(Arguments, argv, command="", example=EXAMPLE)
    quiet_tensorflow()
    _limit_threads(arguments.threads)
    from roadseg.train.data.crops import inflater

    try:
        with records_of(arguments.source, arguments.split) as records:
            rounds = compare(records, arguments)
            found = {
                "rounds": rounds,
                "images": arguments.images // BATCH * BATCH,
                "image_size": records.image_size,
                "format": _format(records),
                "inflate": inflater.__name__,
            }
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found))
    return 0


def compare(records: "RecordSet", arguments: Arguments) -> dict[str, list[Turn]]:
    """Return the turns of 'ours' and 'opencv', of which those at one place were one round."""
    recipe = recipe_of(records, arguments)
    steps = arguments.images // BATCH
    ours = our_batches(recipe, records, steps)
    theirs = OpenCv(records, recipe, steps, arguments.threads, arguments.cache == "decoded")
    return take_turns({"ours": ours, "opencv": theirs}, arguments.rounds)


def _limit_threads(threads: int) -> None:
    import cv2
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    cv2.setNumThreads(1)  # as loaders do: their threads have an image each


def take_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[Turn]]:
    """Return the turns of each way, one in every round after one to warm up."""
    for way in ways.values():
        way()
    found: dict[str, list[Turn]] = {name: [] for name in ways}
    random = np.random.default_rng(0)
    for _ in range(rounds):
        for name in random.permutation(list(ways)):
            cpu, start = time.process_time(), time.perf_counter()
            ways[name]()
            turn = time.perf_counter() - start, time.process_time() - cpu
            found[str(name)].append(turn)
    return found


def recipe_of(records: "RecordSet", arguments: Arguments) -> "Recipe":
    """Return a recipe that scales by 0.5 to 2 as OpenCV does, crops and flips."""
    from roadseg.recipe.recipe import Recipe

    recipe = Recipe("speed", "segmentation", "the measurement of the input pipeline")
    return recipe.replace(
        records=str(records.path),
        split=records.split,
        batch_size=BATCH,
        augment={
            "crop_size": arguments.crop,
            "min_scale": SCALES[0],
            "max_scale": SCALES[1],
            "resize": "half_pixel",
            "flip_probability": 0.5,
            "padding": "black",
        },
        data={"cache": arguments.cache, "shuffle_buffer": BATCH},
    )


def our_batches(recipe: "Recipe", records: "RecordSet", steps: int) -> Callable[[], int]:
    """Return what reads `steps` batches of the training pipeline, from the first to the last."""
    from roadseg.train.data.pipeline import training_batches

    batches = training_batches(recipe, records, stop_step=steps)

    def read() -> int:
        return sum(len(batch["image"]) for batch in batches)

    return read


class OpenCv:
    """The same work, image by image, with OpenCV and NumPy in threads: what users write.

    Encoded images lie in memory, so that nothing is spent on reading records.
    """

    def __init__(
        self, records: "RecordSet", recipe: "Recipe", steps: int, threads: int, decoded: bool
    ) -> None:
        """Read the images that a round needs; decoded: keep their pixels."""
        from roadseg.train.data.augment import draws

        self.crop = recipe.augment.crop_size
        self.steps, self.pool = steps, ThreadPoolExecutor(threads)
        examples = list(_encoded(records, steps * BATCH))
        pixels = [_pixels(*one) for one in examples] if decoded else []
        self.read: Callable[[int], tuple[np.ndarray, np.ndarray]] = (
            (lambda number: pixels[number % len(pixels)])
            if decoded
            else (lambda number: _pixels(*examples[number % len(examples)]))
        )
        self.draws = [np.asarray(draws(recipe.seed, number)) for number in range(steps * BATCH)]

    def __call__(self) -> int:
        """Make the batches of a round; return how many images they hold."""
        made = self.pool.map(self.example, range(self.steps * BATCH))
        count = 0
        for _ in range(self.steps):
            crops = [next(made) for _ in range(BATCH)]
            images, _ = (np.stack(part) for part in zip(*crops, strict=True))
            count += len(images)
        return count

    def example(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the crop of an image and of its label."""
        image, label = self.read(number)
        return random_crop(image, label, self.draws[number], self.crop)


def random_crop(
    image: np.ndarray, label: np.ndarray, draw: np.ndarray, crop: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a crop: scaled as a whole, padded, cut and flipped, as loaders with OpenCV do it.

    draw: (4,) in [0, 1) for scale, row, column, flip, as ours takes them.
    """
    import cv2

    scale = SCALES[0] + float(draw[0]) * (SCALES[1] - SCALES[0])
    size = tuple(round(side * scale) for side in image.shape[1::-1])
    image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    label = cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)
    lacking = [max(want - have, 0) for want, have in zip(crop, label.shape, strict=True)]
    if any(lacking):
        sides = (0, lacking[0], 0, lacking[1], cv2.BORDER_CONSTANT)
        image = cv2.copyMakeBorder(image, *sides, value=(0, 0, 0))
        label = cv2.copyMakeBorder(label, *sides, value=LABEL_PADDING)
    top, left = (
        int(part * (have - want + 1))
        for part, have, want in zip(draw[1:3], label.shape, crop, strict=True)
    )
    image = image[top : top + crop[0], left : left + crop[1]]
    label = label[top : top + crop[0], left : left + crop[1]]
    if draw[3] < 0.5:
        image, label = cv2.flip(image, 1), cv2.flip(label, 1)
    return image, label


def _pixels(image: bytes, label: bytes) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
    labels = cv2.imdecode(np.frombuffer(label, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(pixels), np.asarray(labels)


def _encoded(records: "RecordSet", count: int) -> Iterator[tuple[bytes, bytes]]:
    import tensorflow as tf

    from roadseg.data_conversion.read.records import parse_encoded, readable

    files = tf.data.TFRecordDataset([str(file) for file in records.files])
    with readable(records):
        for example in files.map(as_written(parse_encoded)).take(count).as_numpy_iterator():
            yield example["image"], example["label"]


def _format(records: "RecordSet") -> str:
    image, _ = next(_encoded(records, 1))
    return {b"\x89P": "PNG", b"\xff\xd8": "JPEG"}.get(image[:2], "another format")


@contextmanager
def records_of(source: Path, split: str) -> Iterator["RecordSet"]:
    """Give the records at `source`, or temporary ones of the pictures of a folder."""
    from roadseg.data_conversion.read.records import open_records

    pictures = [
        path
        for path in sorted(source.rglob("*"))
        if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    ]
    if not pictures or any(source.rglob("*.tfrecord*")):
        yield open_records(source, split)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_records(pictures[:MOST_FILES], Path(folder))
        yield open_records(Path(folder), "train")


def write_records(pictures: Sequence[Path], folder: Path) -> None:
    """Write pictures as they are to records, with labels of one class."""
    import cv2
    import tensorflow as tf

    from roadseg import label_tables

    table = label_tables.get("cityscapes")
    (folder / "label_table.json").write_text(table.to_json(), encoding="utf-8")
    with tf.io.TFRecordWriter(str(folder / "train-00000-of-00001.tfrecord")) as writer:
        for path in pictures:
            content = path.read_bytes()
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            if pixels is None:
                raise RoadsegError(f"{path}: not a picture that can be decoded; remove it")
            writer.write(_example(content, path.name, pixels.shape[:2]))


def _example(content: bytes, name: str, size: tuple[int, ...]) -> bytes:
    import cv2
    import tensorflow as tf

    label = cv2.imencode(".png", np.zeros(size, np.uint8))[1].tobytes()
    values: dict[str, Any] = {
        "image/encoded": content,
        "image/filename": name.encode(),
        "image/format": b"png" if content[:1] == b"\x89" else b"jpeg",
        "image/height": size[0],
        "image/width": size[1],
        "image/channels": 3,
        "image/segmentation/class/encoded": label,
        "image/segmentation/class/format": b"png",
    }
    features = {
        key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        if isinstance(value, int)
        else tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in values.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
