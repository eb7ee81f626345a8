"""Constructors of PIDNet, DDRNet, ESPNetv2 and DABNet, as their fixtures write them, and ours."""

from typing import Any

from tests.parity.torch_networks import Case

DDRNETS = {32: "ddrnet_23_slim", 64: "ddrnet_23"}
PIDNETS = {(2, 32): "pidnet_s", (2, 64): "pidnet_m", (3, 64): "pidnet_l"}


def augmented(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return whether the original has the heads of training."""
    return {"auxiliary_heads": arguments["augment"]}


CASES = {
    "DABNet": Case("dabnet", ("classes",), {"logits": "output.logits"}),
    "ESPNetv2Segmentation": Case(
        "espnetv2",
        ("classes",),
        {"logits": "output.logits"},
        lambda arguments: {"s": arguments["s"]},
    ),
    "DualResNet": Case(
        lambda arguments: DDRNETS[arguments["planes"]],
        ("num_classes",),
        {"logits": "final_layer.conv2", "aux": "seghead_extra.conv2"},
        augmented,
    ),
    "PIDNet": Case(
        lambda arguments: PIDNETS[arguments["m"], arguments["planes"]],
        ("num_classes",),
        {
            "logits": "final_layer.conv2",
            "aux": "seghead_p.conv2",
            "boundary": "seghead_d.conv2",
        },
        augmented,
    ),
}
