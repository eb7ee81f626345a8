"""Semantics Sharing, stage by stage: segmentation, flow, both fusions, and the whole.

Source of every value without another: zhenzhenxiang/SemanticsSharing 9fc1fde, training scripts and
their defaults. The stages follow from its README's headings and from what its flags freeze; how
long each was trained is not recorded, so all have the schedule of the segmentation network. Steps
are those of the two public pairs: 175 epochs of (pairs // 2) steps. A stage takes its weights from
the default run folders of those before; --start.stages names others.
"""

from typing import Any

from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe

RUNS = "runs/semantics_sharing/"
UNTRAINED = "not trained here"

SEGMENTATION = Recipe(
    name="semantics_sharing/segmentation",
    task="two_cameras",
    source="SemanticsSharing 9fc1fde, mode mobilenetv3",
    measured="small copies of all stages: docs/results/semantics_sharing.md",
    model="mobilenet_v3_large",
    network=groups.Network(auxiliary_heads=False),
    start=groups.Start(
        initial_weights="none",  # no ImageNet weights are used
    ),
    augment=groups.Augment(
        # Input: both cameras resized to one size, nothing augmented, no crop, no flip.
        crop_size=(1216, 1920),
        flip_probability=0.0,
    ),
    loss=groups.Loss(
        # Loss: mean cross-entropy of the wide view and that of the narrow one, 1 : 1.
        kind="cross_entropy",
    ),
    batch_size=2,
    steps=175,
    optimizer=groups.Optimizer(
        kind="sgd",
        learning_rate=0.015,
        momentum=0.9,
        weight_decay=1e-4,
        weight_decay_on="all",
    ),
    schedule=groups.Schedule(
        kind="poly",
        power=0.9,
    ),
    precision="float32",
    log=groups.Log(
        checkpoint_every_steps=20,  # epochs there
        summary_every_steps=20,
        pictures_every_steps=100,
    ),
    protocol=PROTOCOLS["semantics_sharing"],
)

FLOW = Recipe(
    name="semantics_sharing/flow",
    task="flow",
    source="SemanticsSharing 9fc1fde, flow pre-training; its pairs are not public, ours are made",
    measured="a small copy: docs/results/flow.md",
    model="pwcnet",
    flow=groups.Flow(
        pairs="warped",
        loss="multi_scale",
    ),
    augment=groups.Augment(
        # 5/12 of 1208 x 1920, as its example pairs, in multiples of 64.
        crop_size=(448, 768),
        flip_probability=0.0,
    ),
    batch_size=8,
    steps=200_000,
    optimizer=groups.Optimizer(
        kind="adam",
        learning_rate=1e-4,
        weight_decay=4e-4,
        weight_decay_on="all",
    ),
    schedule=groups.Schedule(
        kind="halving",
        halve_at_steps=(100_000, 150_000),  # the next, 200,000, is the end
    ),
    precision="float32",
    log=groups.Log(
        checkpoint_every_steps=2_000,
        pictures_every_steps=2_000,
    ),
    protocol=PROTOCOLS["flow"],
)

# Without labels and without a known flow, on the pairs of both cameras.
FLOW_VIEWS: Recipe = FLOW.replace(
    name="semantics_sharing/flow_views",
    source="as semantics_sharing/flow, SelfLoss; of every level is ours",
    flow={
        "pairs": "views",
        "loss": "multi_scale_self",
    },
    augment={
        "crop_size": (486, 768),  # 0.4 of 1216 x 1920: where the coupled network takes its flow
    },
)

FUSION_NARROW: Recipe = SEGMENTATION.replace(
    name="semantics_sharing/fusion_narrow",
    source="SemanticsSharing 9fc1fde, mode mobilenetv3_loosely, FFM_60",
    model="semshare_loose",
    start={
        "stages": (f"{RUNS}segmentation", f"{RUNS}flow"),
        "new_parts": ("fusion_narrow", "fusion_wide"),
        "frozen": ("backbone", "head", "flow", "fusion_wide"),
    },
)

FUSION_WIDE: Recipe = FUSION_NARROW.replace(
    name="semantics_sharing/fusion_wide",
    source="SemanticsSharing 9fc1fde, mode mobilenetv3_loosely, FFM_120 (its flags' defaults)",
    start={
        "stages": (f"{RUNS}fusion_narrow",),
        "new_parts": (),
        "frozen": ("backbone", "head", "flow", "fusion_narrow"),
    },
)

WHOLE: Recipe = FUSION_WIDE.replace(
    name="semantics_sharing/whole",
    source="as semantics_sharing/fusion_wide, nothing fixed; this stage is ours",
    start={
        "stages": (f"{RUNS}fusion_wide",),
        "frozen": (),
    },
    optimizer={
        "learning_rate": 0.0015,  # a tenth, as what is there is only to be refined
    },
)

# Which data and schedule trained the flow network on shared features is not recorded: here it
# learns with the first fusion, from the labels.
FUSION_NARROW_TIGHT: Recipe = FUSION_NARROW.replace(
    name="semantics_sharing/fusion_narrow_tight",
    source="SemanticsSharing 9fc1fde, mode mobilenetv3_tightly, FFM_60; the flow beside it is ours",
    measured=UNTRAINED,
    model="semshare_tight",
    start={
        "stages": (f"{RUNS}segmentation",),
        "new_parts": ("flow", "fusion_narrow", "fusion_wide"),
        "frozen": ("backbone", "head", "fusion_wide"),
    },
)

FUSION_WIDE_TIGHT: Recipe = FUSION_WIDE.replace(
    name="semantics_sharing/fusion_wide_tight",
    source="SemanticsSharing 9fc1fde, mode mobilenetv3_tightly, FFM_120 (its flags' defaults)",
    measured=UNTRAINED,
    model="semshare_tight",
    start={"stages": (f"{RUNS}fusion_narrow_tight",)},
)

WHOLE_TIGHT: Recipe = WHOLE.replace(
    name="semantics_sharing/whole_tight",
    source="as semantics_sharing/fusion_wide_tight, nothing fixed; this stage is ours",
    measured=UNTRAINED,
    model="semshare_tight",
    start={"stages": (f"{RUNS}fusion_wide_tight",)},
)


def small(recipe: Recipe, **changes: Any) -> Recipe:
    """Return a copy of a stage for two cores: smaller images, more steps, the head's whole pool.

    At 456 rows the published head has no place for its windows of 784 pixels. The two public pairs
    are to be learned by heart, so the steps are what that takes.
    """
    before = tuple(f"{run}_small" for run in recipe.start.stages)
    smaller = recipe.replace(
        name=f"{recipe.name}_small",
        source=f"as {recipe.name}; sizes, steps and rates are ours",
        start={"stages": before},
        augment={"crop_size": (456, 720)},
        network={"options": {"pooling": "whole"}},
        data={"cache": "decoded"},
        log={"checkpoint_every_steps": 100},
    )
    return smaller.replace(**changes)


# Normalised images and fitted first weights: from the published ones, which are not recorded, a
# network of flows that sees 0..255 needs tens of thousands of steps.
NORMALISED = {"pooling": "whole", "normalised_flow": True}
FLOW_SMALL: Recipe = small(
    FLOW,
    measured="docs/results/flow.md",
    start={"initial_weights": "unit_variance"},
    network={"options": {"normalised": True}},
    augment={"crop_size": (64, 96)},
    flow={
        "shift_px": (5.0, 8.0),
        "tilt": 0.03,
        "parallax_px": 3.0,
    },
    batch_size=12,
    steps=3_600,
    optimizer={
        "learning_rate": 7e-4,
        "max_gradient_norm": 0.5,  # about what it is; now and then it is a thousand times that
        "weight_decay": 0.0,
    },
    schedule={"halve_at_steps": (2_000, 2_800, 3_300)},
    data={"shuffle_buffer": 400},
    log={
        "checkpoint_every_steps": 400,
        "pictures_every_steps": 1_000,
    },
)
FLOW_VIEWS_SMALL: Recipe = small(
    FLOW_VIEWS,
    start={"initial_weights": f"{RUNS}flow_small"},
    network={"options": {"normalised": True}},
    augment={"crop_size": (182, 288)},
    batch_size=2,
    steps=300,
    optimizer={"learning_rate": 1e-4},
    schedule={"halve_at_steps": (200,)},
)
SEGMENTATION_SMALL: Recipe = small(SEGMENTATION, steps=400)
FUSION_NARROW_SMALL: Recipe = small(
    FUSION_NARROW,
    steps=200,
    network={"options": NORMALISED},
    start={
        # Flows learned on small pairs of single frames alone point out of these cameras' views.
        "stages": (f"{RUNS}segmentation_small", f"{RUNS}flow_views_small"),
    },
)
FUSION_WIDE_SMALL: Recipe = small(FUSION_WIDE, steps=200, network={"options": NORMALISED})
WHOLE_SMALL: Recipe = small(
    WHOLE,
    steps=500,
    optimizer={
        "learning_rate": 0.0075,
        "max_gradient_norm": 0.5,  # without it the flow leaves the images for good
    },
    network={"options": NORMALISED},
)
FUSION_NARROW_TIGHT_SMALL: Recipe = small(FUSION_NARROW_TIGHT, steps=200)
FUSION_WIDE_TIGHT_SMALL: Recipe = small(FUSION_WIDE_TIGHT, steps=200)
WHOLE_TIGHT_SMALL: Recipe = small(
    WHOLE_TIGHT,
    steps=500,
    optimizer={
        "learning_rate": 0.0075,
        "max_gradient_norm": 0.5,
    },
)
