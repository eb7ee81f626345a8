"""What `roadseg predict` can be told."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from roadseg.data_conversion.raw.pictures import PictureRules
from roadseg.errors import RoadsegError
from roadseg.eval.protocol_options import ProtocolArguments
from roadseg.eval.replaced import SamplerArguments

Kind = Literal["labels", "colour", "overlay", "sampling", "flow", "sharing"]


@dataclasses.dataclass(frozen=True)
class PredictOptions:
    """Label images or videos with published weights, a run, or an export of it."""

    words: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[RUN] [FILE ...]")
    ] = ()
    """A run folder, unless --model or --saved-model is given, and what is labelled: images, videos,
    or folders of them (searched to the bottom). Without any of the three: the network that comes
    with the package."""
    images: tuple[Path, ...] = ()
    """More to label."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME/DATA")] = None
    """Published weights (roadseg list presets), fetched on first use; a folder that `roadseg
    export` wrote, in any format whose runtime is installed; or a .keras file."""
    weights_folder: Path | None = None
    """Where those are looked for first (default: $ROADSEG_WEIGHTS)."""
    saved_model: Path | None = None
    """Folder that `roadseg export` wrote, as --model takes it too."""
    to: Path = Path("predictions")
    """Folder of the results, made if absent."""
    step: int | Literal["best", "last"] = "last"
    """Checkpoint of the run."""
    write: tuple[Kind, ...] = ()
    """What to write; default: everything (of a video, everything but label maps). flow, sharing:
    of runs of two cameras."""
    camera_prefixes: tuple[str, str] = ("fov120", "fov60")
    """How names of paired images begin, the wide camera's first, for runs of two cameras."""
    style: Literal["roadseg", "sfsegnets"] = "roadseg"
    """sfsegnets: color_mask_NAME.png and overlap_NAME.png alone, as SFSegNets' demo."""
    input_height: Annotated[int | None, tyro.conf.arg(metavar="ROWS")] = None
    """Show images at so many rows, their aspect kept; labels come back at the size of the image.
    For exports of one size; default: as a preset's score was counted, else images as they are."""
    label_ids: bool = False
    """Write the data set's own ids to label maps, not train ids."""
    batch_size: int = 4
    """Images of one size that go through the network together."""
    keep_going: bool = False
    """Skip files that cannot be read, name them at the end, and return status 1."""
    strict: bool = False
    """Refuse folders of which some file would be left out."""
    max_megapixels: float = PictureRules.max_megapixels
    """Refuse larger images, by their header."""
    float_range: tuple[float, float] | None = None
    """Values of black and white in float and 32-bit images, which are refused without."""
    shown: Annotated[ProtocolArguments, tyro.conf.arg(name="")] = ProtocolArguments()
    sampling: Annotated[SamplerArguments, tyro.conf.arg(name="")] = SamplerArguments()

    def changes(self) -> dict[str, Any]:
        """Return the fields of a `Protocol` that were given; RoadsegError for a tile of nothing."""
        height = {} if self.input_height is None else {"input_height": self.input_height}
        return self.shown.changes() | height

    def rules(self) -> PictureRules:
        """Return what the reader of pictures is told; RoadsegError for values out of range."""
        return PictureRules(self.max_megapixels, self.float_range)


def refuse_height(options: PredictOptions, what: str) -> None:
    """Raise RoadsegError if `what` would be shown at another height."""
    if options.input_height:
        raise RoadsegError(
            f"--input-height {options.input_height}: {what} are shown as they are; leave it out"
        )
