import keras
import numpy as np

import roadseg
from roadseg.layers.introspection import count_parameters


def image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (1, height, width, 3)).astype("float32")


def test_maps_of_the_backbone_are_one_row_and_column_more_than_a_16th():
    model = roadseg.create("icnet", 19, input_shape=(1024, 2048, 3), auxiliary_heads=True)
    sizes = {
        name: model.get_layer(name).output.shape[1:]
        for name in (
            "half",
            "backbone.maxpool",
            "quarter_size",
            "backbone.head.bottleneck.0",
            "head.cff_24.conv_low_cls",
            "head.cff_12.conv_low_cls",
            "head.conv_cls",
        )
    }
    assert sizes == {
        "half": (512, 1024, 3),
        "backbone.maxpool": (129, 257, 128),
        "quarter_size": (32, 64, 512),
        "backbone.head.bottleneck.0": (32, 64, 512),
        "head.cff_24.conv_low_cls": (65, 129, 19),
        "head.cff_12.conv_low_cls": (128, 256, 19),
        "head.conv_cls": (256, 512, 19),
    }


def test_the_logits_of_a_quarter_come_a_second_time_unless_the_paper_is_followed():
    keras.utils.set_random_seed(2)
    options = {"auxiliary_heads": True, "width": 8}
    outputs = roadseg.create("icnet", 3, **options)(image(64, 40))
    assert list(outputs) == ["logits", "quarter", "eighth", "sixteenth"]
    np.testing.assert_array_equal(outputs["logits"], outputs["quarter"])
    papers = roadseg.create("icnet", 3, full_resolution_loss=False, **options)
    assert list(papers(image(64, 40))) == ["logits", "eighth", "sixteenth"]


def test_half_width_halves_the_backbone_and_leaves_the_branches():
    whole, half = (roadseg.create("icnet", 19, width=width) for width in (64, 32))
    filters = {
        name: [model.get_layer(name).filters for model in (whole, half)]
        for name in ("backbone.conv3", "backbone.layer4.2.conv3", "backbone.head.stages.0.1",
                     "conv_sub1.2.conv", "conv_sub4.conv", "head.cff_12.conv_low.0")
    }  # fmt: skip
    assert filters == {
        "backbone.conv3": [128, 64],
        "backbone.layer4.2.conv3": [2048, 1024],
        "backbone.head.stages.0.1": [512, 256],
        "conv_sub1.2.conv": [64, 64],
        "conv_sub4.conv": [256, 256],
        "head.cff_12.conv_low.0": [128, 128],
    }
    assert count_parameters(half) == 12_339_136


def test_inference_holds_no_layer_of_the_auxiliary_heads():
    names = [layer.name for layer in roadseg.create("icnet", 19, width=8).layers]
    assert not [name for name in names if "low_cls" in name]


def test_the_smallest_image_still_has_logits():
    logits = roadseg.create("icnet", 3, width=8)(image(8, 8))
    assert logits.shape == (1, 8, 8, 3) and np.isfinite(np.asarray(logits)).all()
