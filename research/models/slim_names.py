"""What TF-slim's checkpoints call the weights of DeepLab-MobileNetV2 and the auxiliary network."""

SAMPLER_SCOPE = "Auxiliary-Network/"


def reference_name(path: str) -> str:
    """Return the TF-slim name of a variable of the segmentation network.

    path: `layer/variable` as Keras has it, `backbone.expanded_conv_3.expand.bn/gamma` becoming
    `MobilenetV2/expanded_conv_3/expand/BatchNorm/gamma`.
    """
    layer, variable = path.rsplit("/", 1)
    if layer == "logits":
        return f"logits/semantic/{_VARIABLES[variable]}"
    scopes = layer.split(".")
    if scopes[0] == "backbone":
        scopes[0] = "MobilenetV2"
        scopes[1] = "Conv" if scopes[1] == "conv" else scopes[1]
    if scopes[-1] == "bn":
        return "/".join([*scopes[:-1], "BatchNorm", variable])
    if scopes[-1] == "depthwise":
        return "/".join([*scopes, "depthwise_weights"])
    return "/".join([*scopes, _VARIABLES[variable]])


def sampler_reference_name(path: str) -> str:
    """Return the TF-slim name of a variable of the auxiliary network, scope included."""
    layer, variable = path.rsplit("/", 1)
    if layer == "mean_locations":
        return f"{SAMPLER_SCOPE}mean_locations"
    if layer == "shifts":
        return f"{SAMPLER_SCOPE}logits/sampling/{_VARIABLES[variable]}"
    return SAMPLER_SCOPE + reference_name(path)


_VARIABLES = {"kernel": "weights", "bias": "biases"}
