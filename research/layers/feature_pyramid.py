"""The head of SFNet: a feature pyramid from coarse to fine, whose way up is the caller's to choose.

Paper: Li et al. 2020, SFNet (arXiv:2002.10120), after UPerNet (arXiv:1807.10221).
Source: lxtGH/SFSegNets, commit ba475ba (MIT), UperNetAlignHead and UperNetHead.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from roadseg.layers.auxiliary_head import auxiliary_head
from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import TORCH_NORM, activate, conv, conv_norm
from roadseg.layers.pyramid_pooling import pyramid_pooling
from roadseg.layers.resize import ResizeLike

Tensor = Any
WayUp = Callable[[Tensor, Tensor, str], Tensor]
"""Takes a fine map, a coarse one and a layer's name; gives the coarse one at the fine one's size.
"""


def feature_pyramid_head(
    maps: Sequence[Tensor],
    filters: int,
    num_classes: int,
    way_up: WayUp,
    auxiliary_heads: bool = False,
) -> dict[str, Tensor]:
    """Return class logits, "logits", at the size of the finest map.

    maps: of a backbone, fine to coarse, (batch, height, width, any channels). filters: of each
    level.
    way_up: brings the sum of the coarser levels to the next finer one. The last fusion resizes
        (bilinearly, aligned corners) whatever it is; the paper's drawing warps there.
    auxiliary_heads: also "aux0" .., class logits of each level but the coarsest, coarse to fine,
        at that level's size.
    Layers: `head.ppm`, `head.fpn_in.<level>`, `head.fpn_out_align.<level>`, `head.fpn_out.<level>`,
        `head.dsn.<level>` and `head.conv_last`, levels counted from the finest.
    """
    *finer, coarsest = maps
    x = pyramid_pooling(coarsest, filters, "head.ppm", kernel_size=1)
    pyramid: list[Tensor] = [x]
    heads: dict[str, Tensor] = {}
    for level in reversed(range(len(finer))):
        lateral = lateral_conv(finer[level], filters, f"head.fpn_in.{level}")
        x = way_up(lateral, x, f"head.fpn_out_align.{level}")
        x = keras.layers.Add(name=f"head.sum.{level}")([lateral, x])
        names = (f"head.fpn_out.{level}.0.0", f"head.fpn_out.{level}.0.1")
        pyramid.append(conv_norm(x, filters, 3, names))
        if auxiliary_heads:
            heads[f"aux{len(heads)}"] = auxiliary_head(x, filters, num_classes, f"head.dsn.{level}")
    return {"logits": class_logits(pyramid[::-1], filters, num_classes)} | heads


def lateral_conv(x: Tensor, filters: int, name: str) -> Tensor:
    """Return a map of a backbone in `filters` channels: 1x1, which has a bias, norm and ReLU."""
    x = conv(x, filters, 1, f"{name}.0", use_bias=True)
    return activate(batch_norm(x, TORCH_NORM, f"{name}.1"), f"{name}.2")


def class_logits(maps: Sequence[Tensor], filters: int, num_classes: int) -> Tensor:
    """Return class logits of several maps, all enlarged to the first one's size and joined."""
    first, *others = maps
    resized = [ResizeLike(name=f"head.up.{n}")([x, first]) for n, x in enumerate(others, start=1)]
    x = keras.layers.Concatenate(name="head.concatenated")([first, *resized])
    x = conv_norm(x, filters, 3, ("head.conv_last.0.0", "head.conv_last.0.1"))
    return conv(x, num_classes, 1, "head.conv_last.1", use_bias=True)
