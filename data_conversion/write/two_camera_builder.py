"""Records of two cameras' frames of one moment, or of two frames with the optical flow between.

`image/...` is the first view in the DeepLab schema, so that whatever reads single images reads the
first view of such records; `second/image/...` is the second one, with the same keys. Where a flow
from the first view to the second is known, `flow/encoded` is its `.flo` file and `flow/format` is
"flo". Images keep their native size, and the two cameras may differ in it unless there is a flow.
A view without label has one that is ignored everywhere.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from roadseg.data_conversion.raw.label_coding import LabelCoding
from roadseg.data_conversion.raw.pictures import read_file
from roadseg.data_conversion.raw.source import Pair, TwoCameras
from roadseg.data_conversion.write.builder import RecordBuilder, features
from roadseg.data_conversion.write.examples import Example, ShardExamples, example_of
from roadseg.errors import RoadsegError
from roadseg.two_cameras.flow_files import decode_flow


class TwoViewExamples(ShardExamples):
    """The examples of one shard; its pairs are `TwoCameras`."""

    def example(self, pair: Pair) -> Example:
        """Return the checked example of both cameras."""
        assert isinstance(pair, TwoCameras)
        return two_view_example(pair, self.codings)


class TwoCameraBuilder(RecordBuilder):
    """Writes a `Source` of `TwoCameras`; data sets are subclasses that find their files."""

    shard_examples = TwoViewExamples

    def record_features(self) -> dict[str, Any]:
        """Return the features of both cameras, and of the flow where the source has one."""
        text = tfds.features.Tensor(shape=(), dtype=tf.string)
        found = {**features(), "second": features()}
        pairs = [pair for part in self._source.splits.values() for pair in part]
        if any(isinstance(pair, TwoCameras) and pair.flow for pair in pairs):
            found["flow"] = {"encoded": text, "format": text}
        return found


def two_view_example(pair: TwoCameras, codings: Mapping[str, LabelCoding]) -> Example:
    """Return the example of both cameras; raise RoadsegError for what is wrong with one.

    With a flow, both images and the flow must be of one size.
    """
    first, second = example_of(pair, codings), example_of(pair.second, codings)
    values = {**first.values, "second": second.values}
    if pair.flow is not None:
        encoded = _flow(pair, first.values, second.values)
        values["flow"] = {"encoded": encoded, "format": "flo"}
    return Example(values, first.readings + second.readings)


def _flow(pair: TwoCameras, first: dict[str, Any], second: dict[str, Any]) -> bytes:
    assert pair.flow is not None
    content = read_file(pair.flow)
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
