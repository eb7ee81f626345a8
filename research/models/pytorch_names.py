"""What PyTorch checkpoints call the weights of networks whose layers bear their modules' names."""

VARIABLES = {
    "kernel": "weight",
    "gamma": "weight",
    "alpha": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
PARAMETER = "parameter"
"""A module's own parameter in PyTorch: a layer of its own here, which bears its name."""


def reference_name(path: str) -> str:
    """Return the PyTorch name of a variable: `head.cff_12.conv_low.0/kernel` ends in `.0.weight`.

    path: `layer/variable` as Keras has it.
    """
    layer, variable = path.rsplit("/", 1)
    return layer if variable == PARAMETER else f"{layer}.{VARIABLES[variable]}"
