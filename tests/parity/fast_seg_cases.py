"""Fast_Seg's constructors, as its fixtures write them, and what answers to them here."""

from tests.parity.torch_networks import Case

CASES = {
    "FastSCNN": Case(
        "fast_scnn",
        ("num_classes", "aux"),
        {"logits": "classifier.conv.1", "aux": "auxlayer.4"},
        lambda arguments: {"auxiliary_heads": arguments.get("aux", False)},
    ),
}
