"""Records of two cameras' frames of one moment, or of two frames with the optical flow between.

`image/...` is the first view in the DeepLab schema, so that whatever reads single images reads the
first view of such records; `second/image/...` is the second one, with the same keys. Where a flow
from the first view to the second is known, `flow/encoded` is its `.flo` file and `flow/format` is
"flo". Images keep their native size, and the two views may differ in it unless there is a flow.
A view without label has one that is ignored everywhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from roadseg.data_conversion.builder import RecordBuilder, ShardExamples, example_of, features
from roadseg.data_conversion.raw.label_coding import LabelCoding
from roadseg.data_conversion.raw.source import Pair, TwoViews
from roadseg.errors import RoadsegError
from roadseg.flow_files import decode_flow


class TwoViewExamples(ShardExamples):
    """The examples of one shard; its pairs are `TwoViews`."""

    def example(self, pair: Pair) -> dict[str, Any]:
        """Return the checked example of both views."""
        assert isinstance(pair, TwoViews)
        return two_view_example(pair, self.codings)


class TwoViewBuilder(RecordBuilder):
    """Writes a `Source` of `TwoViews`; data sets are subclasses that find their files."""

    shard_examples = TwoViewExamples

    def record_features(self) -> dict[str, Any]:
        """Return the features of both views, and of the flow where the source has one."""
        text = tfds.features.Tensor(shape=(), dtype=tf.string)
        found = {**features(), "second": features()}
        pairs = [pair for part in self._source.splits.values() for pair in part]
        if any(isinstance(pair, TwoViews) and pair.flow for pair in pairs):
            found["flow"] = {"encoded": text, "format": text}
        return found


def two_view_example(pair: TwoViews, codings: Mapping[str, LabelCoding]) -> dict[str, Any]:
    """Return the nested example of both views; raise RoadsegError for what is wrong with one.

    With a flow, both images and the flow must be of one size.
    """
    first, second = example_of(pair, codings), example_of(pair.second, codings)
    example = {**first, "second": second}
    if pair.flow is not None:
        example["flow"] = {"encoded": _flow(pair, first, second), "format": "flo"}
    return example


def _flow(pair: TwoViews, first: dict[str, Any], second: dict[str, Any]) -> bytes:
    assert pair.flow is not None
    content = _read(pair.flow)
    sizes = [(view["image"]["height"], view["image"]["width"]) for view in (first, second)]
    sizes.append(decode_flow(content, pair.flow).shape[:2])
    if len(set(sizes)) > 1:
        paths = (pair.image, pair.second.image, pair.flow)
        listed = ", ".join(
            f"{path.name} is {height}x{width}"
            for path, (height, width) in zip(paths, sizes, strict=True)
        )
        raise RoadsegError(
            f"{pair.flow}: {listed} (height x width); images and flow must be of one size"
        )
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RoadsegError(f"{path}: cannot be read ({error.strerror}); check the file") from None
