"""Fast_Seg's constructors, as its fixtures write them, and what answers to them here."""

import numpy as np
from scipy.special import log_softmax

from tests.parity.torch_networks import Case

PSPNET = {"logits": "head.1", "aux": "dsn.4"}


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the log softmax over classes, the last axis."""
    return log_softmax(logits, axis=-1)


CASES = {
    "BiSeNet": Case(
        "bisenet",
        ("out_planes", "is_training"),
        {
            "logprob": "heads.2.conv_1x1",
            "logits": "heads.2.conv_1x1",
            "aux0": "heads.0.up",
            "aux1": "heads.1.conv_1x1",
        },
        lambda arguments: {"auxiliary_heads": arguments.get("is_training", False)},
        {"logprob": log_probabilities},
    ),
    "DFANet": Case(
        "dfanet",
        ("nclass",),
        {"logits": "conv_out", "aux1": "dsn1.4", "aux2": "dsn2.4"},
        lambda arguments: {"auxiliary_heads": True},
    ),
    "DFSeg": Case(
        lambda arguments: {"dfv1": "dfseg_v1", "dfv2": "dfseg_v2"}[arguments["type"]],
        ("nclass", "type"),
        {"logits": "fc.4"},
    ),
    "ESPNet": Case(
        "espnet", ("classes", "p", "q"), {"logits": "classifier"}, lambda arguments: arguments
    ),
    "ESPNet_Encoder": Case(
        "espnet_c",
        ("classes", "p", "q"),
        {"logits": "classifier.conv"},
        lambda arguments: arguments,
    ),
    "FastSCNN": Case(
        "fast_scnn",
        ("num_classes", "aux"),
        {"logits": "classifier.conv.1", "aux": "auxlayer.4"},
        lambda arguments: {"auxiliary_heads": arguments.get("aux", False)},
    ),
    "ICNet": Case(
        "icnet",
        ("nclass",),
        {
            "logits_full": "output.logits",
            "logits_quarter": "head.conv_cls",
            "aux_eighth": "head.cff_12.conv_low_cls",
            "aux_sixteenth": "head.cff_24.conv_low_cls",
        },
        lambda arguments: {"auxiliary_heads": True},
    ),
    "PSPNet_res50": Case(
        "pspnet_50", ("num_classes",), PSPNET, lambda _: {"auxiliary_heads": True}
    ),
    "PSPNet_res101": Case(
        "pspnet_101", ("num_classes",), PSPNET, lambda _: {"auxiliary_heads": True}
    ),
    "SwiftNetRes18": Case(
        "swiftnet",
        ("nclass", "pretrained"),
        {"logits": "upsample.2.blend_conv.conv", "aux": "dsn.4"},
        lambda arguments: {"auxiliary_heads": True},
    ),
}
