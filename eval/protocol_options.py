"""The options by which `roadseg eval`, `predict` and `submit` take tiles, scales and mirror."""

import dataclasses
from typing import Annotated, Any

import tyro

from roadseg.errors import RoadsegError
from roadseg.eval.inference import OVERLAP, Averaging, Enlargement, InferenceMode


def _option(metavar: str, default: str = "") -> Any:
    hint = f"(default: {default})" if default else ""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=hint)


@dataclasses.dataclass(frozen=True)
class InferenceArguments:
    """Usable together; scores are averaged. Without protocol: as fast_seg, enlarged bilinearly."""

    sliding: Annotated[int | None, _option("N", "none")] = None
    """Tiles of NxN pixels (published: 832)."""
    overlap: Annotated[float, _option("SHARE", "1/3")] = OVERLAP
    """Share of a tile that the next covers."""
    scales: Annotated[tuple[float, ...], _option("S [S ...]", "1.0")] = (1.0,)
    """Show the image at these scales."""
    mirror: Annotated[bool, _option("")] = False
    """Show the mirrored image as well."""
    size: Annotated[float, _option("F", "1.0")] = 1.0
    """Resize by a factor, sides rounded down."""
    averaging: Annotated[Averaging | None, _option("NAME", "protocol's")] = None
    """As fast_seg, sfsegnets, pooling."""
    enlargement: Annotated[Enlargement | None, _option("NAME", "the protocol's")] = None
    """Scores: bilinear or cubic."""

    def mode(self) -> InferenceMode:
        """Return what the options say; raise RoadsegError for values that make no sense."""
        if self.sliding is None and self.overlap != OVERLAP:
            raise RoadsegError(f"--overlap {self.overlap:g}: of tiles; give --sliding as well")
        return InferenceMode(
            self.sliding,
            self.overlap,
            self.scales,
            self.mirror,
            self.size,
            self.averaging,
            self.enlargement,
        )
