"""The tfds builder that all data sets share: checks each pair and writes it in the DeepLab schema.

Records hold `image/encoded`, `image/filename`, `image/format`, `image/height`, `image/width`,
`image/channels`, `image/segmentation/class/encoded` and `image/segmentation/class/format`; nested
tfds features have exactly these names. Shards are consecutive, ceil(n / shards) examples each,
named `train-00000-of-00010.tfrecord` as in the published system. Source: `nus.md`, section 7, after
`datasets/build_cityscapes_data.py` of TensorFlow's DeepLab.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.example_serializer import ExampleSerializer
from tensorflow_datasets.core.splits import SplitDict, SplitInfo
from tensorflow_datasets.core.writer import ExampleWriter, ShardWriter

from roadseg.data_conversion.raw.label_coding import LabelCoding
from roadseg.data_conversion.raw.source import Pair, Source
from roadseg.data_conversion.reading import OnExample
from roadseg.data_conversion.write.examples import ShardExamples
from roadseg.data_conversion.write.shard_job import Run, ShardJob, collect
from roadseg.data_conversion.write.shards import VERSION, shard_parts

LABEL_TABLE_FILE = "label_table.json"


def features() -> dict[str, Any]:
    """Return the DeepLab schema as nested tfds features."""
    text = tfds.features.Tensor(shape=(), dtype=tf.string)
    number = tfds.features.Scalar(tf.int64)
    return {
        "image": {
            "encoded": text,
            "filename": text,
            "format": text,
            "height": number,
            "width": number,
            "channels": number,
            "segmentation": {"class": {"encoded": text, "format": text}},
        }
    }


class OrderedWriter(ExampleWriter):
    """Writes the features of each record by name: the same example has the same bytes.

    Left to itself each process has an order of its own.
    """

    def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> Any:
        """Write (key, serialized example) to the shard at `path`."""
        return super().write(path, ((key, _in_order(example)) for key, example in examples))


def _in_order(serialized: bytes) -> bytes:
    return tf.train.Example.FromString(serialized).SerializeToString(deterministic=True)


class RecordBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Writes the files of a `Source` to shards; data sets are subclasses that find their files.

    It is shard-based rather than generator-based, since that keeps the published order and shard
    sizes, writes each byte once, and lets others write whole shards. tfds's own way to have Beam
    write them writes the shards of each split again for every split that comes after it.
    """

    VERSION = tfds.core.Version(VERSION)
    label_coding: type[LabelCoding] = LabelCoding
    shard_examples: type[ShardExamples] = ShardExamples

    def __init_subclass__(cls) -> None:
        """Keep the class out of tfds's registry, where some of the names are taken."""
        super().__init_subclass__(skip_registration=True)

    def __init__(
        self,
        *,
        source: Source,
        shards: int = 10,
        workers: int = 1,
        on_example: OnExample | None = None,
        run: Run | None = None,
        **options: Any,
    ) -> None:
        """Take the files; `options` go to tfds (data_dir).

        run: has the shards written elsewhere; None writes them here, one after the other.
        """
        self._source = source
        self._shards = shards
        self._workers = workers
        self._on_example = on_example
        self._run = run
        super().__init__(**options)

    def record_features(self) -> dict[str, Any]:
        """Return the features of a record, nested; subclasses add theirs."""
        return features()

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{self._source.name}: images and train ids, in the DeepLab schema.",
            features=tfds.features.FeaturesDict(self.record_features()),
            disable_shuffling=True,
        )

    def _shard_iterators_per_split(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Mapping[str, Sequence[ShardExamples]]:
        del dl_manager
        # data_dir is tfds's temporary folder here, so the table appears with the records or not.
        table_path = Path(self.data_dir) / LABEL_TABLE_FILE
        table_path.write_text(self._source.table.to_json(), encoding="utf-8")
        return {
            split: [self.examples(split, part) for part in shard_parts(pairs, self._shards)]
            for split, pairs in self._source.splits.items()
        }

    def examples(self, split: str, pairs: tuple[Pair, ...]) -> ShardExamples:
        """Return what reads and checks `pairs` of a split."""
        source = self._source
        readings = {"": (source.table, source.coding), **source.members}
        codings = {
            member: self.label_coding(table, coding, source.rules)
            for member, (table, coding) in readings.items()
        }
        return self.shard_examples(pairs, codings, self._workers, self._on_example, split)

    def _download_and_prepare(
        self,
        dl_manager: tfds.download.DownloadManager,
        download_config: tfds.download.DownloadConfig | None = None,
    ) -> None:
        if self._run is None:
            super()._download_and_prepare(dl_manager, download_config)
        else:
            self._written_by(self._run, dl_manager)

    def _written_by(self, run: Run, dl_manager: tfds.download.DownloadManager) -> None:
        """Let `run` have all shards written; say afterwards what was read, and note their sizes."""
        record = self.info.features
        serializer = ExampleSerializer(record.get_serialized_info())
        writer = ShardWriter(record, serializer, self._example_writer())
        parts = self._shard_iterators_per_split(dl_manager)
        files = {split: self._get_filename_template(split) for split in parts}
        jobs = {
            split: [
                ShardJob(
                    Path(files[split].sharded_filepath(shard_index=place, num_shards=len(shards))),
                    dataclasses.replace(examples, on_example=None),
                    writer,
                )
                for place, examples in enumerate(shards)
            ]
            for split, shards in parts.items()
        }
        run([job for of_split in jobs.values() for job in of_split])
        notes = collect(jobs, self._source)
        for split, of_split in notes.items():
            for readings in (readings for note in of_split for readings in note.readings):
                if self._on_example:
                    self._on_example(split, readings)
        self.info.set_splits(
            SplitDict(
                [
                    SplitInfo(
                        name=split,
                        shard_lengths=[len(note.readings) for note in notes[split]],
                        num_bytes=sum(job.path.stat().st_size for job in jobs[split]),
                        filename_template=files[split],
                    )
                    for split in jobs
                ]
            )
        )

    def _log_download_bytes(self) -> None:
        """Say nothing: tfds's words on downloads and its temporary folder mislead here."""

    _log_download_done = _log_download_bytes

    def _example_writer(self) -> OrderedWriter:
        return OrderedWriter(file_format=self.info.file_format)

    def _get_filename_template(self, split_name: str) -> tfds.core.ShardedFileTemplate:
        return tfds.core.ShardedFileTemplate(
            data_dir=Path(self.data_dir),
            template="{SPLIT}-{SHARD_X_OF_Y}.{FILEFORMAT}",
            dataset_name=self.name,
            split=split_name,
            filetype_suffix="tfrecord",
        )
