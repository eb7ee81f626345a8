"""What Semantics Sharing calls the weights of its flow networks, whose names have parentheses."""

import re

from roadseg.models import pytorch_names

# TensorFlow refuses parentheses in the names of a graph: `Feature.Lv0` here is `Feature(Lv0)`.
_NUMBERED = re.compile(r"\b(Feature|FlowEstimator)\.(Lv\d+)")


def reference_name(path: str) -> str:
    """Return the PyTorch name of a variable: `FlowEstimator.Lv0.convs.5/kernel` has parentheses.

    It is `FlowEstimator(Lv0).convs.5.weight`; names without a level are as in `pytorch_names`.
    """
    return _NUMBERED.sub(r"\1(\2)", pytorch_names.reference_name(path))
