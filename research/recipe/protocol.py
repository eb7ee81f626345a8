"""How a checkpoint is scored: what a network is shown, and how its logits come to pixels.

cityscapes: the full image, as the exported model sees it; its mIoU compares with other networks'.
nus: the central crop of the training crop size; the logits of the N x N samples are interpolated
    linearly over a Delaunay triangulation, as the original did.
fast_seg: the full image, as lxtGH/Fast_Seg's val.py; the mean is over all classes, absent ones 0.
espnet: the full image, as sacmehta/ESPNet; predictions on void pixels enlarge the union.
sfsegnets: as lxtGH/SFSegNets; the full image, or of UDS, KITTI and Mapillary what its authors score
    (eval/resizing.py); tiles, flips and scales as its eval.py (inference/averaging.py).
sgcpnet: the full image, as zhouyuan888888/SGCPNet; the network's own map is upsampled bicubically,
    and the mean is over all classes, absent ones 1.
density: densities of whole images against the true ones, in nats.
flow: pairs as the recipe makes or reads them, end-point errors in pixels.
semantics_sharing: both cameras' images and labels resized to the recipe's size, each camera scored
    by itself; the mean of both over all classes, background among them, says which is best.
Those of segmentation count every metric; they differ in the one that says which checkpoint is best.
"""

import dataclasses
import math
import typing
from collections.abc import Mapping
from typing import Any, Literal, Self

from roadseg.command_line.values import nearest
from roadseg.errors import RoadsegError

Averaging = Literal["fast_seg", "sfsegnets", "sfsegnets_pooling"]
Upsampling = Literal["bilinear", "bicubic"]
Size = tuple[int, int]
OVERLAP = 1 / 3


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What the network is shown, how its logits come to pixels, which metric decides.

    Raises RoadsegError for values that make no sense, alone or together.
    """

    name: str = "cityscapes"
    """Of the preset that it is, or was made from: see `PROTOCOLS`."""
    region: Literal["image", "central_crop"] = "image"
    """The whole image, or the central crop of augment.crop_size."""
    frame: Literal["as_stored", "sfsegnets"] = "as_stored"
    """Whether images of UDS, KITTI and Mapillary are resized as SFSegNets' authors score them."""
    input_height: int = 0
    """Rows that an image is resized to first, its aspect kept; labels come back by picking the
    nearest pixel. 0: as it is."""
    input_resize: Literal["opencv", "pillow"] = "opencv"
    """By whose bilinear rule it is resized to that height."""
    tile: int = 0
    """Side in pixels of the square tiles an image is shown in; 0 for the whole image."""
    tile_overlap: float = OVERLAP
    """Share of a tile that the next one covers again; the last one more, to end at the border."""
    scales: tuple[float, ...] = (1.0,)
    """Factors by which the image is resized; logits are averaged over them."""
    flip: bool = False
    """Average with the logits of the mirrored image, mirrored back."""
    input_scale: float = 1.0
    """One factor by which the image is resized first, sides rounded down."""
    averaging: Averaging = "fast_seg"
    """By whose routine tiles, scales and flips are averaged (inference/averaging.py)."""
    upsampling: Upsampling = "bilinear"
    """How a network's own, small logits come to pixels."""
    interpolation: Literal["auto", "none", "graph", "mesh", "delaunay"] = "auto"
    """How the logits of samples come to pixels; auto: in the graph, none without sampling."""
    metric: str = "miou"
    """The metric that compares checkpoints."""

    def __post_init__(self) -> None:
        """Check the values."""
        for name, hint in _CHOICES.items():
            value, words = getattr(self, name), typing.get_args(hint)
            if value not in words:
                near = nearest(value, hint)
                raise RoadsegError(f"--{_flag(name)} {value}: there are {', '.join(words)}{near}")
        if self.tile < 0:
            raise RoadsegError(f"--tile {self.tile}: a tile has at least 1 pixel a side")
        if self.input_height < 0:
            raise RoadsegError(f"--input-height {self.input_height}: at least 1 row; 0 for all")
        if not 0 <= self.tile_overlap < 1:
            raise RoadsegError(
                f"--tile-overlap {self.tile_overlap:g}: a share from 0 to less than 1"
            )
        for name, factors in (("scales", self.scales), ("input_scale", (self.input_scale,))):
            for factor in factors:
                if not 0 < factor < math.inf:
                    raise RoadsegError(
                        f"--{_flag(name)} {factor:g}: a factor above 0, such as 0.75"
                    )
        if not self.scales:
            raise RoadsegError("--scales: at least one factor is needed, such as 1.0")
        self._check_together()

    def _check_together(self) -> None:
        if not self.tile and self.tile_overlap != OVERLAP:
            raise RoadsegError(
                f"--tile-overlap {self.tile_overlap:g}: of tiles; give --tile as well"
            )
        if self.input_height and self.input_scale != 1:
            raise RoadsegError(
                f"--input-scale {self.input_scale:g}: images are shown at a height of "
                f"{self.input_height}, as the score was counted; leave --input-scale out"
            )
        if self.input_scale != 1 and self.scales != (1.0,):
            raise RoadsegError(
                f"--input-scale {self.input_scale:g} with --scales: give one of them; "
                "--input-scale is a single scale whose sides are rounded down"
            )
        if self.averaging != "fast_seg" and self.input_scale != 1:
            raise RoadsegError(
                f"--input-scale {self.input_scale:g} with --averaging {self.averaging}: it is "
                f"Fast_Seg's; give --scales {self.input_scale:g}"
            )
        if self.averaging == "sfsegnets_pooling" and self.tile:
            raise RoadsegError(
                f"--tile {self.tile}: sfsegnets_pooling shows whole images; leave one out"
            )

    @property
    def preset(self) -> "Protocol":
        """The protocol of this name as it was published."""
        return PROTOCOLS.get(self.name, Protocol())

    @property
    def is_whole(self) -> bool:
        """Whether the image is shown once, as it is, and its logits upsampled bilinearly."""
        return self.shows_once and self.upsampling == "bilinear"

    @property
    def shows_once(self) -> bool:
        """Whether the image is shown once, as it is: whole, at its own size, not mirrored."""
        return not self.tile and self.factors == (1.0,) and not self.flip

    @property
    def factors(self) -> tuple[float, ...]:
        """The factors by which the image is resized, `input_scale` or `scales`."""
        return (self.input_scale,) if self.input_scale != 1 else self.scales

    @property
    def shown(self) -> str:
        """How images are shown, for messages: 'whole images', 'tile832, scales0.75_1, flip'."""
        return ", ".join(self._differences(Protocol())) or "whole images"

    @property
    def label(self) -> str:
        """Name for folders: that of the preset, with what differs from it: 'nus-graph-flip'."""
        preset = self.preset
        usual = {"none", "graph" if preset.interpolation == "auto" else preset.interpolation}
        parts = [] if self.interpolation in usual | {"auto"} else [self.interpolation]
        return "-".join([self.name, *parts, *self._differences(preset)])

    def _differences(self, usual: "Protocol") -> list[str]:
        parts = [f"tile{self.tile}"] if self.tile else []
        if not self.shows_once and self.averaging != usual.averaging:
            parts.append(self.averaging)
        if self.upsampling != usual.upsampling:
            parts.append(self.upsampling)
        if self.tile and f"{self.tile_overlap:.3g}" != f"{usual.tile_overlap:.3g}":
            parts.append(f"overlap{self.tile_overlap:.3g}")
        if self.scales != usual.scales:
            parts.append("scales" + "_".join(f"{scale:g}" for scale in self.scales))
        if self.input_scale != usual.input_scale:
            parts.append(f"scale{self.input_scale:g}")
        return [*parts, "flip"] if self.flip and not usual.flip else parts

    def sizes(self, size: Size) -> list[Size]:
        """Return the sizes at which an image of `size` is shown; RoadsegError if one is empty.

        Scales of fast_seg round sides to the nearest, halves to even, as SciPy's zoom does; those
        of the other routines, and `input_scale`, round down.
        """
        down = self.input_scale != 1 or self.averaging != "fast_seg"
        rounding = math.floor if down else round
        found = [(int(rounding(size[0] * f)), int(rounding(size[1] * f))) for f in self.factors]
        if not all(height and width for height, width in found):
            raise RoadsegError(
                f"{self.shown}: nothing is left of an image of {size[0]}x{size[1]}; "
                "give larger factors"
            )
        return found

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with other values."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Return the protocol whose fields `values` are, as JSON gives them."""
        return cls(**{**values, "scales": tuple(values["scales"])})


def _flag(name: str) -> str:
    return name.replace("_", "-")


_CHOICES = {
    name: hint
    for name, hint in typing.get_type_hints(Protocol).items()
    if typing.get_origin(hint) is Literal
}
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(),
        Protocol("nus", region="central_crop", interpolation="delaunay"),
        Protocol("fast_seg", metric="miou_absent_zero"),
        Protocol("espnet", metric="miou_with_void"),
        Protocol("sfsegnets", frame="sfsegnets", averaging="sfsegnets"),
        Protocol("sgcpnet", upsampling="bicubic", metric="miou_absent_one"),
        Protocol("density", metric="cross_entropy"),
        Protocol("flow", metric="epe"),
        Protocol("semantics_sharing", metric="miou_absent_zero"),
    )
}
"""The protocols as they were published, by name."""
IMAGE_PROTOCOLS = ("cityscapes", "nus", "fast_seg", "espnet", "sfsegnets", "sgcpnet")
"""Names of those that score labels of single images, the usual one first."""


def find_protocol(name: str) -> Protocol:
    """Return the protocol called `name`; raise RoadsegError naming them all if there is none."""
    if name not in PROTOCOLS:
        known = ", ".join(IMAGE_PROTOCOLS)
        renamed = "; 'published' is called nus" if name == "published" else ""
        raise RoadsegError(f"no protocol '{name}'; there are: {known}{renamed}")
    return PROTOCOLS[name]
