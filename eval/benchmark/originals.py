"""What the originals took in PyTorch, to stand beside our own times."""

from dataclasses import dataclass, field
from typing import Any

PROTOCOL = (
    "PyTorch 2.13, x86 CPU with 2 cores, 2 threads, float32, batch 1, random weights, median "
    "of 5 after one to warm up (PSPNet: 3, 1 at 1024x2048), the better of default and "
    "channels-last memory; SFNet and SFNet-Lite: processor time over 2 threads on a busy machine, "
    "median of 5 (ResNet-50 and 101: 3 at 1024x2048)"
)
HALF, FULL = (512, 1024), (1024, 2048)


@dataclass(frozen=True)
class Published:
    """Milliseconds of one original, in the memory format in which it was faster."""

    network: str
    times_ms: dict[tuple[int, int], float]
    """By image size (height, width)."""
    options: dict[str, Any] = field(default_factory=dict)
    """Ours that make the network that was timed."""
    num_classes: int = 19


# Measured on lxtGH/Fast_Seg 7895738, sacmehta/ESPNet afe71c3 (20 classes), and from there on
# lxtGH/SFSegNets ba475ba.
PUBLISHED = (
    Published("fast_scnn", {HALF: 54, FULL: 254}),
    Published("espnet", {HALF: 163, FULL: 926}),
    Published("dfseg_v1", {HALF: 105, FULL: 418}),
    Published("dfanet", {HALF: 407, FULL: 1690}, {"auxiliary_heads": True}),
    Published("swiftnet", {HALF: 244, FULL: 1034}),
    Published("dfseg_v2", {HALF: 245, FULL: 1049}),
    Published("icnet", {HALF: 490, FULL: 2162}),
    Published("bisenet", {HALF: 584, FULL: 2402}),
    Published("pspnet_50", {HALF: 5243, FULL: 23958}),
    Published("espnet", {HALF: 197, FULL: 1108}, {"q": 8, "fusion": "stem"}, num_classes=20),
    Published("sfnet_resnet18", {HALF: 1199, FULL: 4697}),
    Published("sfnet_resnet50", {HALF: 2749, FULL: 13435}),
    Published("sfnet_resnet101", {HALF: 3113, FULL: 14484}),
    Published("sfnet_dfnet_v1", {HALF: 132, FULL: 662}),
    Published("sfnet_dfnet_v2", {HALF: 258, FULL: 1148}),
    Published("sfnet_stdc1", {HALF: 350, FULL: 1712}),
    Published("sfnet_stdc2", {HALF: 407, FULL: 2069}),
    Published("sfnet_lite_resnet18", {HALF: 798, FULL: 4056}),
    Published("sfnet_lite_stdc1", {HALF: 417, FULL: 2125}),
    Published("sfnet_lite_stdc2", {HALF: 567, FULL: 2604}),
)
