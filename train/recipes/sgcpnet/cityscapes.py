"""SGCPNet on Cityscapes as published, and as it was trained before.

Source of every value without another: zhouyuan888888/SGCPNet, commit ead5adf, its configuration;
of EARLIER: an older configuration that is there compiled alone, dated August 2020. The paper
reports 69.5 % mIoU at 768x1536.
"""

from roadseg.backbones.mobilenet_v3_modified import BACKBONE
from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu

EPOCH = 2975 // 36  # the last batch of an epoch is dropped

RECIPE = Recipe(
    name="sgcpnet/cityscapes",
    task="segmentation",
    source="SGCPNet ead5adf, its configuration",
    measured="not trained here",
    model="sgcpnet",
    network=groups.Network(
        options={"normalisation": "rgb"},
        auxiliary_heads=False,
    ),
    start=groups.Start(
        # ImageNet, RGB; the backbone's own repository (xiaolai-sqlai/mobilenetv3) names layers
        # otherwise, which is understood as well.
        initial_weights="pretrained/mbv3_small_new.pth.tar",
    ),
    records="records",
    split="train",  # 2,975 images
    augment=groups.Augment(
        # Input: scale, pad, mirror, crop.
        crop_size=(1024, 1024),
        padding="mean",  # 0 after normalisation
        padding_position="centred",
        min_scale=0.5,  # any value up to max_scale
        max_scale=2.0,
        scale_step=0.0,
        min_side=350,  # smaller scales are raised, without a word
        resize="half_pixel_cubic",  # OpenCV
        flip_probability=0.5,
    ),
    data=groups.Data(
        # The original shuffles the whole list, 7 GB of records; here the shards and 500 records.
        shuffle_buffer=500,
    ),
    loss=groups.Loss(
        # Loss: one head, no weights of classes, no mining.
        kind="cross_entropy",
    ),
    # Optimisation.
    batch_size=36,
    steps=350 * EPOCH,
    optimizer=groups.Optimizer(
        kind="sgd",
        learning_rate=0.3,
        momentum=0.9,
        weight_decay=1e-5,
        weight_decay_on="all",  # norms, biases and weights of fusion too
        # Two optimisers there, backbone and rest, with equal settings: one here.
        pretrained_layers=BACKBONE,
        pretrained_factor=1.0,
    ),
    schedule=groups.Schedule(
        kind="poly",
        power=0.9,
        extra_steps=1,
    ),
    batch_norm=groups.BatchNorm(
        frozen=False,  # a setting there as well, off
    ),
    precision="float32",
    seed=42,
    log=groups.Log(
        checkpoint_every_steps=10 * EPOCH,  # there: once, after the last epoch
        pictures_every_steps=1_000,
    ),
    protocol=PROTOCOLS["sgcpnet"],
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
EARLIER: Recipe = RECIPE.replace(
    name="sgcpnet/cityscapes_earlier",
    source="SGCPNet ead5adf, compiled configuration of August 2020",
    optimizer={"learning_rate": 0.1},
    steps=200 * EPOCH,
)
