"""`roadseg submit`: the zip of label maps that the Cityscapes server takes, checked and whole.

Images are shown once, unless options say otherwise. SFSegNets' accuracy submission was in tiles, at
scales 0.5 to 2 in steps of 0.25, mirrored; its real-time one was mirrored as well, so that each
image took two passes: `--flip` does so here.
"""

import dataclasses
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Literal

import numpy as np
import tyro

from roadseg import label_tables
from roadseg.command_line import arguments
from roadseg.command_line.options import parse_size
from roadseg.data_conversion.raw.pictures import PictureRules
from roadseg.drawing.pictures import encode_png, to_label_ids
from roadseg.errors import RoadsegError
from roadseg.eval.cores import share_cores, side_by_side
from roadseg.eval.progress import Progress, progress_bar
from roadseg.eval.protocol_options import ProtocolArguments
from roadseg.eval.scoring import in_threads
from roadseg.eval.submit.labels import Predict, full_size_labels, resized_first
from roadseg.files import refuse_unwritable, write_file
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder, Step

EXAMPLE = """roadseg submit runs/sfnet_resnet18 --images leftImg8bit/test --to test.zip
roadseg submit runs/sfnet_resnet101 --records records --averaging sfsegnets --tile 832 --flip
roadseg submit runs/sgcpnet --images leftImg8bit/test --format sgcpnet --input-size 768x1536"""

TEST_IMAGES = 1525
FULL_SIZE = "1024x2048"
# City, sequence and frame, by which the server finds the label map of each image.
NAME = re.compile(r"(?P<frame>[^_/]+_\d+_\d+)(_[^/]*)?")

Image = tuple[str, Callable[[], np.ndarray]]
"""Name of an image, and what reads it: (height, width, 3) uint8."""


@dataclasses.dataclass(frozen=True)
class SubmitOptions:
    """Label Cityscapes' test images with a run, and write the zip that its server takes."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder, of Cityscapes' 19 classes."""
    images: tuple[Path, ...] = ()
    """Test images, or folders of them (searched to the bottom)."""
    records: Path | None = None
    """Folder of records, instead of images."""
    split: str = "test"
    """Split of the records."""
    to: Path = Path("test.zip")
    """File to write."""
    format: Literal["cityscapes", "sgcpnet"] = "cityscapes"
    """cityscapes: IMAGE.png; sgcpnet: test_result/CITY_SEQUENCE_FRAME.png, of images that were
    resized first, by logits upsampled bicubically."""
    input_size: str | None = None
    """With --format sgcpnet: size of resized images; default 1024x2048, the fast one 768x1536."""
    full_size: str = FULL_SIZE
    """Size of the label maps, height x width."""
    count: int = TEST_IMAGES
    """Images there have to be."""
    step: int | Literal["best", "last"] = "last"
    """Checkpoint of the run."""
    max_megapixels: float = PictureRules.max_megapixels
    """Refuse larger images, by their header."""
    float_range: tuple[float, float] | None = None
    """Values of black and white in float and 32-bit images, which are refused without."""
    strict: bool = False
    """Refuse folders of which some file would be left out."""
    shown: Annotated[ProtocolArguments, tyro.conf.arg(name="")] = ProtocolArguments()


def main(argv: Sequence[str]) -> int:
    """Run the command and return the exit status."""
    options = arguments.parse(SubmitOptions, argv, command="submit", example=EXAMPLE)
    with progress_bar("labelling") as progress:
        written = submit(options, progress)
    print(f"written: {options.to} ({written} label maps of {options.full_size}, Cityscapes' ids)")
    return 0


def submit(options: SubmitOptions, progress: Progress | None = None) -> int:
    """Write the zip that `options` ask for and return the number of label maps in it.

    Every map is made and checked (count, names, size, ids) before the file is written, in one
    step; until then the encoded maps wait in memory.
    Raises RoadsegError for whatever does not fit, and where the disk is full.
    """
    if bool(options.images) == (options.records is not None):
        raise RoadsegError("submit: give --images or --records, one of the two")
    run, size = RunFolder(options.run), parse_size(options.full_size, "--full-size")
    run.check(None if options.step == "last" else options.step)
    table = server_table(run)
    refuse_unwritable(options.to)
    count, images = _images(options)
    if count != options.count:
        raise RoadsegError(
            f"{count} images where the server wants {options.count}; give the whole test split, "
            f"or say --count {count}"
        )
    share_cores()
    find = _predict(options, run, size)
    scale = max(Protocol().replace(options.shown.changes()).factors)
    predict = side_by_side(lambda images: [find(images[0])], scale)

    def jobs() -> Iterator[Callable[[], tuple[str, bytes]]]:
        for name, read in images:
            (labels,) = predict(read()[None])
            yield partial(_encoded, _entry(name, options.format), labels, size, table)

    maps: dict[str, bytes] = {}
    for name, encoded in in_threads(jobs()):
        if name in maps:
            raise RoadsegError(f"{name}: two images of that name; give each once")
        maps[name] = encoded
        if progress:
            progress(len(maps), count)
    write_file(options.to, partial(write_zip, maps))
    return len(maps)


def server_table(run: RunFolder) -> LabelTable:
    """Return Cityscapes' table, whose ids the server takes; RoadsegError for another run's."""
    table, own = label_tables.get("cityscapes"), run.label_table
    if own.names != table.names:
        raise RoadsegError(
            f"{run.path}: trained on the {own.num_classes} classes of '{own.name}'; the server "
            f"takes the {table.num_classes} of Cityscapes: give a run of those"
        )
    return table


def check_labels(name: str, ids: np.ndarray, size: tuple[int, int], table: LabelTable) -> None:
    """Raise RoadsegError unless `ids` has the full size and holds none but ids of `table`."""
    if ids.shape != size:
        raise RoadsegError(
            f"{name}: a label map of {ids.shape[0]}x{ids.shape[1]} where the server wants "
            f"{size[0]}x{size[1]}; give images of full size, or say --full-size"
        )
    known = [label.id for label in table.label_ids if label.id >= 0]
    unknown = np.flatnonzero(np.bincount(ids.ravel(), minlength=256))
    wrong = sorted(set(unknown.tolist()) - set(known))
    if wrong:
        raise RoadsegError(
            f"{name}: holds {wrong[0]}, which is no label id of '{table.name}'; give another run"
        )


def write_zip(maps: dict[str, bytes], file: IO[bytes]) -> None:
    """Write `maps`, PNGs by their names in the archive, in order; equal maps give equal bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, encoded in maps.items():
            entry = zipfile.ZipInfo(name)
            # A ZipInfo by itself gives files that nobody may read once they are unpacked.
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, encoded)


def _images(options: SubmitOptions) -> tuple[int, Iterator[Image]]:
    """Return how many images there are, and each with its name."""
    if options.records is not None:
        from roadseg.data_conversion.read.records import open_records
        from roadseg.eval.frames import read_frames

        records = open_records(options.records, options.split)
        frames = read_frames(records)
        return records.num_examples, ((one.name, lambda one=one: one.image) for one in frames)
    from roadseg.eval.predict.sources import found_sources, read_picture

    rules = PictureRules(options.max_megapixels, options.float_range)
    sources = found_sources(options.images, options.to, options.strict)
    for source in sources:
        if source.is_video:
            raise RoadsegError(f"{source.path}: a video; the server takes labels of images")
    return len(sources), (
        (source.path.stem, partial(read_picture, source.path, rules)) for source in sources
    )


def _entry(name: str, style: str) -> str:
    """Return the name in the archive of the label map of the image `name`."""
    name = Path(name).name
    found = NAME.fullmatch(name)
    if found is None:
        raise RoadsegError(
            f"image '{name}': the server knows images by city, sequence and frame, such as "
            "munich_000000_000019_leftImg8bit; give Cityscapes' test images"
        )
    return f"test_result/{found['frame']}.png" if style == "sgcpnet" else f"{name}.png"


def _predict(options: SubmitOptions, run: RunFolder, size: tuple[int, int]) -> Predict:
    step: Step = None if options.step == "last" else options.step
    changes = options.shown.changes()
    if options.format == "sgcpnet":
        input_size = parse_size(options.input_size or FULL_SIZE, "--input-size")
        return resized_first(run, step, changes, input_size, size)
    if options.input_size is not None:
        raise RoadsegError(
            f"--input-size {options.input_size}: of --format sgcpnet; else give --input-scale F"
        )
    return full_size_labels(run, step, Protocol().replace(changes))


def _encoded(
    name: str, labels: Callable[[], np.ndarray], size: tuple[int, int], table: LabelTable
) -> tuple[str, bytes]:
    """Return the name and the PNG of one map of train ids, as label ids that were checked."""
    ids = to_label_ids(labels(), table)
    check_labels(name, ids, size, table)
    return name, encode_png(ids)
