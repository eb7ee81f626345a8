"""The options by which `roadseg eval`, `predict` and `submit` change a protocol."""

import dataclasses
from typing import Annotated, Any

import tyro

from roadseg.errors import RoadsegError
from roadseg.recipe.protocol import Averaging, Upsampling


def _option(metavar: str, default: str = "protocol's") -> Any:
    hint = f"(default: {default})" if default else ""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=hint)


@dataclasses.dataclass(frozen=True)
class ProtocolArguments:
    """How images are shown; usable together, logits are averaged."""

    tile: Annotated[int | None, _option("N", "none")] = None
    """Tiles of NxN pixels, such as 832."""
    tile_overlap: Annotated[float | None, _option("SHARE", "1/3")] = None
    """Share of a tile that the next covers."""
    scales: Annotated[tuple[float, ...] | None, _option("S [S ...]", "1.0")] = None
    """Show the image at these scales."""
    flip: Annotated[bool, _option("", "")] = False
    """Show the mirrored image as well."""
    input_scale: Annotated[float | None, _option("F", "1.0")] = None
    """Resize first, sides rounded down."""
    averaging: Annotated[Averaging | None, _option("NAME")] = None
    """fast_seg, sfsegnets, sfsegnets_pooling."""
    upsampling: Annotated[Upsampling | None, _option("NAME")] = None
    """bilinear or bicubic."""

    def changes(self) -> dict[str, Any]:
        """Return the fields of a `Protocol` that were given; RoadsegError for a tile of nothing."""
        if self.tile == 0:
            raise RoadsegError("--tile 0: a tile has at least 1 pixel a side")
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if not self.flip:
            del given["flip"]
        return {name: value for name, value in given.items() if value is not None}
