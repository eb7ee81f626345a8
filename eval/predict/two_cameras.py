"""`roadseg predict` with a run of two cameras: both labelled, the flow, and the logits shared."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.data_conversion.raw.faults import common_folder, kept, refuse_all
from roadseg.data_conversion.raw.find import listed
from roadseg.drawing.flow import colourise_flow
from roadseg.drawing.pictures import to_label_ids, write_png
from roadseg.errors import RoadsegError
from roadseg.eval.predict.options import PredictOptions, refuse_height
from roadseg.eval.predict.sources import Source, read_picture
from roadseg.eval.predict.two_camera_pictures import KINDS, sharing_picture, view_pictures
from roadseg.inference.images import resize_image, resize_labels
from roadseg.models.two_cameras import CAMERAS, INTERMEDIATE, intermediate
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder, Step
from roadseg.two_cameras.flow_files import write_flow


@dataclass(frozen=True)
class CameraPair:
    """The files of both cameras of one moment."""

    wide: Source
    narrow: Source

    def views(self) -> Iterator[tuple[str, Source]]:
        """Yield the name and the file of each view."""
        for view in CAMERAS:
            yield view, getattr(self, view)


def find_camera_pairs(sources: Sequence[Source], views: tuple[str, str]) -> list[CameraPair]:
    """Return the pairs among `sources`: the same number in the same folder, one of each view.

    views: how names begin, `fov120_00001.jpg`, the wide view's first.
    Raises RoadsegError naming every file that is called otherwise, has the number of another one of
    its view, or lacks its partner.
    """
    form = re.compile(f"({re.escape(views[0])}|{re.escape(views[1])})_([0-9]+)")
    found: dict[tuple[Path, int], dict[str, Source]] = {}
    faults: list[RoadsegError] = []
    for source in sources:
        with kept(faults):
            match = form.fullmatch(source.path.stem)
            if match is None:
                raise RoadsegError(
                    f"{source.path}: this run labels pairs, {views[0]}_00001 beside "
                    f"{views[1]}_00001; leave the file out, or see --camera-prefixes"
                )
            place = source.path.parent, int(match[2])
            other = found.setdefault(place, {}).setdefault(match[1], source)
            if other is not source:
                raise RoadsegError(
                    f"{source.path}: {other.path} has the same number; leave one of them out"
                )
    if faults:
        refuse_all(common_folder([source.path for source in sources]), faults)
    lonely = [s.path for pair in found.values() if len(pair) == 1 for s in pair.values()]
    if lonely:
        names = listed(lonely, Path())
        raise RoadsegError(
            f"{names}: the other view of this number is not there; add it, or leave the file out"
        )
    return [CameraPair(pair[views[0]], pair[views[1]]) for pair in found.values()]


def predict_pairs(
    options: PredictOptions, run: RunFolder, sources: Sequence[Source], step: Step
) -> list[str]:
    """Write what `options` ask for of each pair; return a line for each that was skipped.

    Pictures bear the name of their view's file, flow and board that of the narrow one. Label maps
    have the size of their image; the network sees it at the size that it was trained at. Raises
    RoadsegError as `predict` does.
    """
    refuse_height(options, "pairs")
    protocol = Protocol().replace(options.shown.changes())
    if not protocol.is_whole:
        raise RoadsegError(f"{protocol.shown}: pairs are shown whole; leave it out")
    check_kinds(options.write)
    pairs, problems = find_camera_pairs(sources, options.camera_prefixes), []
    number, _ = run.find_checkpoint(step)
    forward = pair_function(run.load_network(number))
    for pair in pairs:
        try:
            _write(pair, forward, options, run)
        except RoadsegError as error:
            if not options.keep_going:
                raise
            problems.append(str(error))
    done = len(pairs) - len(problems)
    title = f"{run.path.name}, step {number}"
    print(f"{title}: {done} of {len(pairs)} pairs labelled, results in {options.to}")
    return problems


def pair_function(network: Any) -> Any:
    """Return a function from images by view to labels by view and parts of a coupled network.

    Both are NumPy without the batch axis; a network that shares nothing has no parts.
    """
    import tensorflow as tf

    from roadseg.ops.best_class import best_class

    coupled = all(layer in {one.name for one in network.layers} for layer in INTERMEDIATE.values())
    model = intermediate(network) if coupled else network

    @tf.function(reduce_retracing=True, autograph=False)
    def forward(images: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        images = {view: tf.cast(image, tf.float32) for view, image in images.items()}
        outputs = model(images, training=False)
        labels = {view: best_class(outputs[view]) for view in CAMERAS}
        return labels, {name: part for name, part in outputs.items() if name not in CAMERAS}

    def label(images: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Any]]:
        given = {view: tf.constant(image[None]) for view, image in images.items()}
        labels, parts = forward(given)
        return (
            {view: one.numpy()[0] for view, one in labels.items()},
            {name: part.numpy()[0] for name, part in parts.items()},
        )

    return label


def _write(pair: CameraPair, forward: Any, options: PredictOptions, run: RunFolder) -> None:
    kinds, table = options.write or KINDS, run.label_table
    rules = options.rules()
    originals = {view: read_picture(source.path, rules) for view, source in pair.views()}
    size = run.recipe.augment.crop_size
    images = {view: resize_image(image, size) for view, image in originals.items()}
    labels, parts = forward(images)
    for view, source in pair.views():
        target = options.to / source.name
        native = resize_labels(labels[view].astype(np.uint8), originals[view].shape[:2])
        for kind, picture in view_pictures(originals[view], native, table, kinds).items():
            if kind == "labels" and options.label_ids:
                picture = to_label_ids(picture, table)
            write_png(target.with_name(f"{target.name}_{kind}.png"), picture)
    target = options.to / pair.narrow.name
    if "flow" in kinds and parts:
        write_flow(target.with_name(f"{target.name}_flow.flo"), parts["flow"])
        picture = colourise_flow(parts["flow"])
        write_png(target.with_name(f"{target.name}_flow.png"), picture)
    if "sharing" in kinds:
        picture = sharing_picture(images, labels, parts, table)
        write_png(target.with_name(f"{target.name}_sharing.png"), picture)


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise RoadsegError for pictures that two cameras have not."""
    for kind in kinds:
        if kind not in KINDS:
            raise RoadsegError(f"--write {kind}: of two cameras there are {', '.join(KINDS)}")
