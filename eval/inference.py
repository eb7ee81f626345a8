"""In how many ways one image is shown to a network, whose scores are then averaged."""

import dataclasses
import math
from typing import Any, Literal, Self, get_args

from roadseg.errors import RoadsegError

OVERLAP = 1 / 3
Averaging = Literal["fast_seg", "sfsegnets", "pooling"]
Enlargement = Literal["bilinear", "cubic"]

Size = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class InferenceMode:
    """Whole image or tiles, at which scales, mirrored or not. Sizes are (height, width) in pixels.

    Raises RoadsegError for values that make no sense together.
    Source: lxtGH/Fast_Seg 7895738, val.py (tiles, scales, mirror) and
    prediction_test_different_size.py (size).
    """

    tile: int | None = None
    """Side of the square tiles; None for the whole image at once. Published: 832."""
    overlap: float = OVERLAP
    """Share of a tile that the next one covers again; the last one more, to end at the border."""
    scales: tuple[float, ...] = (1.0,)
    """Factors by which the image is resized, sides rounded; scores are averaged over them."""
    mirror: bool = False
    """Average with the scores of the mirrored image, mirrored back."""
    size: float = 1.0
    """One factor by which the image is resized first, sides rounded down."""
    averaging: Averaging | None = None
    """By whose routine this is done (see eval/routines.py); None: the protocol's, or fast_seg."""
    enlargement: Enlargement | None = None
    """How a network's own, small map comes to pixels; None: the protocol's way, or bilinear."""

    def __post_init__(self) -> None:
        """Check the values."""
        for option, word, words in (
            ("--averaging", self.averaging, get_args(Averaging)),
            ("--enlargement", self.enlargement, get_args(Enlargement)),
        ):
            if word is not None and word not in words:
                raise RoadsegError(f"{option} {word}: there are {', '.join(words)}")
        if self.tile is not None and self.tile < 1:
            raise RoadsegError(f"--sliding {self.tile}: a tile has at least 1 pixel a side")
        if not 0 <= self.overlap < 1:
            raise RoadsegError(f"--overlap {self.overlap:g}: a share from 0 to less than 1")
        for option, factors in (("--scales", self.scales), ("--size", (self.size,))):
            for factor in factors:
                if not (0 < factor < math.inf):
                    raise RoadsegError(f"{option} {factor:g}: a factor above 0, such as 0.75")
        if not self.scales:
            raise RoadsegError("--scales: at least one factor is needed, such as 1.0")
        if self.size != 1 and self.scales != (1.0,):
            raise RoadsegError(
                f"--size {self.size:g} with --scales: give one of them; --size is a single scale "
                "whose sides are rounded down"
            )
        if self.averaging in ("sfsegnets", "pooling") and self.size != 1:
            raise RoadsegError(
                f"--size {self.size:g} with --averaging {self.averaging}: it is Fast_Seg's; give "
                f"--scales {self.size:g}"
            )
        if self.averaging == "pooling" and self.tile is not None:
            raise RoadsegError(f"--sliding {self.tile}: pooling shows whole images; leave one out")

    @property
    def is_whole(self) -> bool:
        """Whether the image is shown once, as it is, and its scores enlarged bilinearly."""
        return self.shows_once and self.enlargement != "cubic"

    @property
    def shows_once(self) -> bool:
        """Whether the image is shown once, as it is: whole, at its own size, not mirrored."""
        return self.tile is None and self.factors == (1.0,) and not self.mirror

    @property
    def factors(self) -> tuple[float, ...]:
        """The factors by which the image is resized, `size` or `scales`."""
        return (self.size,) if self.size != 1 else self.scales

    @property
    def label(self) -> str:
        """The mode in a word for folders: 'whole', 'sliding832-scales0.75_1-mirror', ..."""
        return self.label_beside("fast_seg", "bilinear")

    def settled(self, averaging: Averaging, enlargement: Enlargement) -> Self:
        """Return the mode with these ways where it leaves them open."""
        return dataclasses.replace(
            self,
            averaging=self.averaging or averaging,
            enlargement=self.enlargement or enlargement,
        )

    def label_beside(self, averaging: Averaging, enlargement: Enlargement) -> str:
        """Return the mode in a word that leaves out these ways, where they are its own."""
        parts = ["whole" if self.tile is None else f"sliding{self.tile}"]
        if not self.shows_once and (self.averaging or averaging) != averaging:
            parts.append(str(self.averaging))
        if (self.enlargement or enlargement) != enlargement:
            parts.append(str(self.enlargement))
        if self.tile is not None and f"{self.overlap:.3g}" != f"{OVERLAP:.3g}":
            parts.append(f"overlap{self.overlap:.3g}")
        if self.scales != (1.0,):
            parts.append("scales" + "_".join(f"{scale:g}" for scale in self.scales))
        if self.size != 1:
            parts.append(f"size{self.size:g}")
        return "-".join([*parts, "mirror"] if self.mirror else parts)

    def sizes(self, size: Size) -> list[Size]:
        """Return the sizes at which an image of `size` is shown; RoadsegError if one is empty.

        Scales of fast_seg round sides to the nearest, halves to even, as SciPy's zoom does; those
        of the other ways, and `size`, round down.
        """
        down = self.size != 1 or self.averaging in ("sfsegnets", "pooling")
        found = [_scaled(size, factor, math.floor if down else round) for factor in self.factors]
        for height, width in found:
            if not (height and width):
                raise RoadsegError(
                    f"{self.label}: nothing is left of an image of {size[0]}x{size[1]}; "
                    "give larger factors"
                )
        return found

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Self:
        """Return the mode whose fields `values` are, as JSON gives them."""
        return cls(**(values | {"scales": tuple(values["scales"])}))


def _scaled(size: Size, factor: float, rounding: Any) -> Size:
    return int(rounding(size[0] * factor)), int(rounding(size[1] * factor))
