"""What `roadseg benchmark` can be told."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from roadseg.command_line.options import read_options
from roadseg.models.options import options_of

USUAL_SIZE = "1024x2048"


@dataclasses.dataclass(frozen=True)
class BenchmarkOptions:
    """Count and time networks in every format installed; runs, SavedModels and sampled networks
    from image to the labels of every pixel; and race files of any origin against them.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME")] = ()
    """Networks, run folders or folders of SavedModels; in a race also presets, exports, files."""
    all: bool = False
    """Every network of single images in the registry."""
    size: str | None = None
    """Image size, height x width; default 1024x2048, with --records that of its images."""
    against: tuple[str, ...] = ()
    """Files (.onnx .xml .tflite .pt .ts .pt2) or SavedModel folders to time in turns with NAMES,
    image to labels."""
    formats: tuple[Literal["onnx", "openvino", "litert"], ...] = ()
    """In a race, time the networks named in these formats too."""
    sampling_size: tuple[str, ...] = ()
    """Put networks behind sampling with so many samples: 128 a side, or 96x128."""
    sampler: tuple[str, ...] = ()
    """What samples then, untrained: uniform, prior, nus, density; by default all but prior."""
    count: bool = False
    """Print both operation counts, and time nothing."""
    num_classes: int = 19
    """Classes of the networks named."""
    options: tuple[str, ...] = ()
    """Options of the networks named, such as output_stride=8."""
    batch_size: int = 1
    """Images a call."""
    warm_up: int = 3
    """Calls before the clock starts."""
    repeats: int = 10
    """Calls that are timed; in a race rounds, 5 or more."""
    threads: int | None = None
    """Threads of TensorFlow and the other runtimes; default one a core."""
    saved_model: bool = False
    """Time each also as a SavedModel, written to a temporary folder."""
    labels: bool = False
    """Time networks from uint8 images to labels of every pixel, as runs are timed."""
    layers: tuple[str, ...] = ()
    """Also time the layers whose names hold a text, alone, and print their share of the network."""
    file_layout: Literal["nchw", "nhwc"] | None = None
    """Where files take the colours; default as their input's shape says."""
    file_values: Literal["imagenet", "unit", "signed", "bytes"] = "imagenet"
    """What files of floats take: ImageNet's mean and deviation, 0..1, -1..1 or 0..255."""
    file_mean: tuple[float, float, float] | None = None
    """Mean of RGB 0..1 that files of floats have subtracted, in place of --file-values."""
    file_std: tuple[float, float, float] | None = None
    """What they have RGB 0..1 divided by."""
    file_colours: Literal["rgb", "bgr"] = "rgb"
    """Order of colours that files take."""
    file_output: str | None = None
    """Name or number of the output of files with labels or logits; default `labels` or the first.
    """
    input: Path | None = None
    """Records or a folder of pictures: time the input pipeline of training beside OpenCV instead;
    --size is then the crop, default 832x832, and --split is train."""
    input_cache: Literal["none", "encoded", "decoded"] = "none"
    """What both then keep in memory."""
    records: Path | None = None
    """Labelled records: a race then has the mIoU of each beside its time."""
    split: str | None = None
    """Of the records; default val, with --input train."""
    max_images: int | None = None
    """Images of the split to count mIoU on; default all."""
    plot: Path | None = None
    """Draw mIoU against ms: a .png or .svg file. Needs --records."""
    json: bool = False
    """Print JSON instead of tables."""

    def builder_options(self) -> dict[str, Any]:
        """Return --options as keyword arguments of every network named.

        Raises RoadsegError for one that a network has not, or takes no such value for.
        """
        networks = [name for name in self.names if not Path(name).exists()]
        found = [options_of(name, self.options) for name in networks]
        return found[-1] if found else read_options(self.options)
