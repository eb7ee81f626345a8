"""The commands that are disturbed, on scenes so small that each takes seconds."""

import shutil
from dataclasses import dataclass
from pathlib import Path

SCENES = "street_scenes_categories"
RECORDS = f"records/{SCENES}"
# Steps between checkpoints and between scalars do not divide each other: a run that goes on begins
# in the middle of a scalar's mean. One checkpoint is kept, since one that was asked for by a signal
# is at a step that an undisturbed run has no checkpoint of.
_LOG = """--log.checkpoint-every-steps 4 --log.summary-every-steps 6 --log.pictures-every-steps 0
    --log.keep-checkpoints 1"""
_NETWORK = "--recipe camvid/fast_scnn --model tests.chaos.network:tiny --augment.crop-size 64 128"
_TRAIN = f"--records {RECORDS} --batch-size 2 {_LOG}"


@dataclass(frozen=True)
class Stage:
    """One command, in a folder of its own."""

    name: str
    words: str
    """What follows `roadseg`; paths are relative to the folder."""
    makes: tuple[str, ...]
    """Patterns of what it makes, which is removed before it begins anew."""
    reads: tuple[str, ...] = (f"{RECORDS}/**/*.tfrecord",)
    """Patterns of files that it reads, of which one is cut short."""
    needs: tuple[str, ...] = ("convert",)
    """Stages whose results it needs."""

    def clear(self, folder: Path) -> None:
        """Remove what it makes."""
        for pattern in self.makes:
            for path in sorted(folder.glob(pattern)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def readable(self, folder: Path) -> list[Path]:
        """Return the files that are there to be read."""
        return sorted(path for pattern in self.reads for path in folder.glob(pattern))


_ALL = (
    Stage(
        "convert",
        "convert street_scenes --source scenes --to records --classes categories"
        " --train 8 --val 3 --size 64 128 --shards 2 --workers 1",
        makes=("scenes", "records"),
        reads=("scenes/**/*.png",),
        needs=(),
    ),
    Stage(
        "density",
        "train --recipe sampling/density --run density --steps 10 --sampler.input-size 32 64"
        f" --sampler.density-width 4 {_TRAIN}",
        makes=("density",),
    ),
    Stage(
        "segmentation",
        f"train {_NETWORK} --run segmentation --steps 10 --sampler-run density"
        f" --sampling.kind density --sampling.size 16 32 --optimizer.ema-decay 0.9 {_TRAIN}",
        makes=("segmentation",),
        needs=("convert", "density"),
    ),
    Stage(
        "evaluation",
        "eval segmentation",
        makes=(
            "segmentation/evaluation",
            "segmentation/best.json",
            "segmentation/tensorboard/val-*",
        ),
        needs=("convert", "density", "segmentation"),
    ),
    Stage(
        "centroids",
        f"train {_NETWORK} --run class_uniform --steps 3"
        f" --class-uniform.fraction 0.5 --class-uniform.tile 32 {_TRAIN}",
        makes=("class_uniform", f"{RECORDS}/**/centroids-*"),
    ),
    Stage(
        "export",
        "export segmentation --format saved_model",
        makes=("segmentation/export",),
        reads=("segmentation/checkpoints/*/*.npz",),
        needs=("convert", "density", "segmentation"),
    ),
)
STAGES: dict[str, Stage] = {stage.name: stage for stage in _ALL}


def with_needed(names: tuple[str, ...]) -> list[Stage]:
    """Return the stages of these names and those they need, in order."""
    wanted = {need for name in names for need in (*STAGES[name].needs, name)}
    return [stage for stage in _ALL if stage.name in wanted]
