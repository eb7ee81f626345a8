"""Semantics Sharing's networks of one view, of flow, and its fusions give what theirs gave."""

import keras
import pytest

import roadseg
from roadseg.layers.camera_fusion import fuse_narrow, fuse_wide
from roadseg.models.pwcnet import pwcnet_mobilenet_v3
from tests.parity.semshare_cases import (
    PRECISIONS,
    check,
    computed_in,
    fixtures,
    give_weights,
    inputs_of,
    kind_of,
    run,
    two_images,
)
from tests.parity.torch_networks import Values, image
from tests.support import Fixture

# The fixtures give every weight.
pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

SMALL = fixtures("ffm", "pwcnet", "pwcnet-mobilenetv3")
ONE_VIEW = fixtures("mobilenetv3")
# What stage of the backbone takes each tap.
TAPS = {"c0": "layer2", "c1": "layer3", "c2": "layer4"}
# In float64 too, which tells a wrong wire from rounding, where that costs little.
CASES = [
    *((path, precision) for path in SMALL for precision in PRECISIONS),
    *((path, "float32") for path in ONE_VIEW),
    *(pytest.param(path, "float64", marks=pytest.mark.slow) for path in ONE_VIEW),
]


FUSIONS = {
    "FFM_60_loose": lambda logits, other, features: fuse_narrow(features, logits, True),
    "FFM_60_tight": lambda logits, other, features: fuse_narrow(features, logits, False),
    "FFM_60_res131": lambda logits, other, features: fuse_narrow(
        features, logits, True, "res131", "FFM_60_res131"
    ),
    "FFM_120": lambda logits, other, features: fuse_wide(logits, other),
    "FFM_120_res": lambda logits, other, features: fuse_wide(logits, other, "res", "FFM_120_res"),
}


def fusions(fixture: Fixture) -> Values:
    """Return what each fusion module gives, one model each: two have the same weights."""
    names, found = ("scores", "other_scores", "features"), {}
    for output in fixture.meta["outputs"]:
        inputs = {
            name: keras.Input((None, None, array.shape[-1]), name=name)
            for name, array in inputs_of(fixture).items()
        }
        fused = FUSIONS[output["name"]](*(inputs[name] for name in names))
        model = keras.Model(inputs, fused)
        give_weights(model, fixture, "semshare_loose", others=("FFM_",))
        found |= run(model, inputs_of(fixture), {output["name"]: fused})
    return found


def one_view(fixture: Fixture) -> Values:
    size = fixture.meta["arguments"]["backbone"].removeprefix("mobilenetv3_")
    network = f"mobilenet_v3_{size}"
    classes = fixture.meta["arguments"]["nclass"]
    model = roadseg.create(network, classes, include_preprocessing=False)
    give_weights(model, fixture, network)
    taps = {name: f"pretrained.{stage}.0.conv.0" for name, stage in TAPS.items()}
    outputs = {name: model.get_layer(layer).input for name, layer in taps.items()}
    outputs |= {"scores_16": model.get_layer("head.project").output, "logits": model.output}
    return run(model, image(fixture), outputs)


def flow_of_images(fixture: Fixture) -> Values:
    arguments = fixture.meta["arguments"]
    model = roadseg.create(
        "pwcnet",
        widths=arguments["levels"],
        output_level=arguments["output_level"],
        search_range=arguments["search_range"],
    )
    give_weights(model, fixture, "pwcnet")
    outputs = {f"flow{i}": flow for i, flow in enumerate(coarse_to_fine(model.output))}
    outputs[f"flow{arguments['output_level']}"] = model.get_layer("enlarged").output
    return run(model, two_images(fixture, ("first", "second")), outputs)


def flow_of_features(fixture: Fixture) -> Values:
    arguments = fixture.meta["arguments"]
    model = pwcnet_mobilenet_v3(widths=arguments["levels"], search_range=arguments["search_range"])
    give_weights(model, fixture, "pwcnet")
    outputs = {f"flow{i}": flow for i, flow in enumerate(coarse_to_fine(model.output))}
    features, _ = model.get_layer("FlowEstimator.Lv1.warped").input
    return run(model, inputs_of(fixture), {**outputs, "second_features_8": features})


def coarse_to_fine(flows: dict) -> list:
    """Return the flows of a network, the one at full size last: 'flow_64' is at 1/64."""
    strides = {name: int(name.partition("_")[2] or 1) for name in flows}
    return [flows[name] for name in sorted(flows, key=lambda name: -strides[name])]


RUN = {
    "ffm": fusions,
    "mobilenetv3": one_view,
    "pwcnet": flow_of_images,
    "pwcnet-mobilenetv3": flow_of_features,
}


@pytest.mark.parametrize(
    ("path", "precision"), CASES, ids=lambda value: getattr(value, "stem", value)
)
def test_the_network_agrees_with_the_original(path, precision):
    fixture = Fixture.load(path)
    with computed_in(precision):
        values = RUN[kind_of(path)](fixture)
    for output in fixture.meta["outputs"]:
        check(fixture, output, values[output["name"]], precision)
