"""Reads records of two cameras back: both images and labels, and the flow where there is one."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.data_conversion.read.records import (
    RecordSet,
    checked_size,
    first_example,
    open_records,
    parse_example,
    readable,
)
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable

if TYPE_CHECKING:
    import tensorflow as tf

SECOND = "second/"
_FLOW_KEY = "flow/encoded"


@dataclasses.dataclass(frozen=True)
class TwoCameraRecords(RecordSet):
    """The shards of one split, whose examples hold two cameras; the base's are the first's.

    second_size: (height, width) of the second view if all shards agree, None if not.
    has_flow: whether examples hold the optical flow from the first view to the second.
    """

    second_size: tuple[int, int] | None
    has_flow: bool

    def examples(self, places: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
        """Yield decoded examples in order, as `parse_two_cameras` gives them, names as text.

        places: of those wanted; None for all.
        """
        from roadseg.data_conversion.read.index import decoded, decoded_at

        parse = partial(parse_two_cameras, has_flow=self.has_flow)
        data = decoded(self, parse=parse) if places is None else decoded_at(self, places, parse)
        with readable(self):
            for example in data.prefetch(2).as_numpy_iterator():
                names = {key: example[key].decode() for key in ("filename", "second_filename")}
                yield {**example, **names}


def has_two_cameras(records: RecordSet) -> bool:
    """Return whether the first example holds a second view."""
    return holds_pairs(records.files[0])


def holds_pairs(file: Path) -> bool:
    """Return whether the first example of a shard holds a second view."""
    return f"{SECOND}image/encoded" in first_example(file)


def open_two_cameras(
    path: Path | str, split: str, label_table: LabelTable | Path | str | None = None
) -> TwoCameraRecords:
    """Return the split of the one data set of two cameras at or below `path`.

    The arguments are those of `open_records`, and so are the errors; records without a second view,
    or of which some have a flow, are a RoadsegError as well.
    """
    first = open_records(path, split, label_table)
    sizes = {checked_size(file, SECOND) for file in first.files}
    flows = {_FLOW_KEY in first_example(file) for file in first.files}
    if len(flows) > 1:
        raise RoadsegError(f"{first.path}: some records of '{split}' lack a flow; convert it again")
    values = {field.name: getattr(first, field.name) for field in dataclasses.fields(first)}
    return TwoCameraRecords(
        **values,
        second_size=sizes.pop() if len(sizes) == 1 else None,
        has_flow=flows.pop(),
    )


def parse_two_cameras(serialized: "tf.Tensor", has_flow: bool = False) -> dict[str, "tf.Tensor"]:
    """Return one decoded example of two cameras; a TensorFlow graph function.

    Returns image, label and filename of the first view as `parse_example` does, those of the other
    as second_image, second_label and second_filename, and with `has_flow` flow_xy_px, float32
    (H, W, 2): (x, y) in pixels, as in the `.flo` file.
    """
    import tensorflow as tf

    second = parse_example(serialized, SECOND)
    example = parse_example(serialized) | {f"second_{key}": second[key] for key in second}
    if has_flow:
        schema = {_FLOW_KEY: tf.io.FixedLenFeature((), tf.string)}
        example["flow_xy_px"] = _flow(tf.io.parse_single_example(serialized, schema)[_FLOW_KEY])
    return example


def _flow(encoded: "tf.Tensor") -> "tf.Tensor":
    """Return the values of a `.flo` file's bytes: 4 of its mark, width, height, then the flow."""
    import tensorflow as tf

    values = tf.io.decode_raw(encoded, tf.float32)
    width_height = tf.bitcast(values[1:3], tf.int32)
    return tf.reshape(values[3:], (width_height[1], width_height[0], 2))
