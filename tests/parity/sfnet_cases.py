"""SFSegNets' constructors, as its fixtures name them, and what answers to them here."""

from functools import partial
from typing import Any

from tests.parity.torch_networks import Case
from tests.support import Fixture

ARGUMENTS = ("num_classes", "criterion")
LOGITS = {"logits": "output.logits"}
BACKBONES = {
    "resnet-18-deep": "sfnet_resnet18",
    "resnet-50-deep": "sfnet_resnet50",
    "resnet-101-deep": "sfnet_resnet101",
}
# Fixtures that are no network, by how their names begin.
NO_NETWORK = ("sfnet-fam", "sfnet-flow-warp", "sfnet-gated-fam", "sfnet-ohem", "sfnet-ppm")


def side_heads(levels: int) -> dict[str, str]:
    """Return the layer of each side head, coarse to fine, where the pyramid has so many levels."""
    return {f"aux{number}": f"head.dsn.{levels - 1 - number}.4" for number in range(levels)}


def with_side_heads(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"auxiliary_heads": arguments.get("fpn_dsn", True)}


def convolution_gate(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"gate": "convolution"}


plain = partial(Case, arguments=ARGUMENTS, outputs=LOGITS)

CASES = {
    "AlignNetResNet": Case(
        lambda arguments: BACKBONES[arguments["trunk"]],
        ("num_classes", "trunk"),
        LOGITS | side_heads(3),
        lambda arguments: with_side_heads({"fpn_dsn": False} | arguments),
    ),
    "AlignedDFnetv1": plain("sfnet_dfnet_v1"),
    "AlignedDFnetv1_FPNDSN": Case(
        "sfnet_dfnet_v1", ARGUMENTS, LOGITS | side_heads(2), with_side_heads
    ),
    "AlignedDFnetv2": plain("sfnet_dfnet_v2"),
    "AlignedDFnetv2_FPNDSN": Case(
        "sfnet_dfnet_v2", ARGUMENTS, LOGITS | side_heads(2), with_side_heads
    ),
    "AlignedSTDC1": plain("sfnet_stdc1"),
    "AlignedSTDC1_SFV2_spatial_atten": plain("sfnet_lite_stdc1"),
    "AlignedSTDC2": plain("sfnet_stdc2"),
    "AlignedSTDC2_SFV2": plain("sfnet_lite_stdc2", options=convolution_gate),
    "AlignedSTDC2_SFV2_spatial_atten": plain("sfnet_lite_stdc2"),
    "DeepR101_SF_deeply": plain("sfnet_resnet101"),
    "DeepR18_SFV2_deeply_dsn_FA_Atten": plain("sfnet_lite_resnet18"),
    "DeepR18_SF_deeply": plain("sfnet_resnet18"),
    "DeepR50_SF_deeply": plain("sfnet_resnet50"),
    "STDC1": plain("fpn_stdc1"),
    "STDC2": plain("fpn_stdc2"),
}


def constructor_of(fixture: Fixture) -> str:
    """Return the call that built the original, as the fixture's `meta` has it."""
    name = fixture.meta["network"].rpartition(".")[2]
    arguments = fixture.meta["constructor"]
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
