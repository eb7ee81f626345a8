"""DABNet on CamVid from its published Cityscapes weights, for two CPU cores: the shipped network.

Trained with val, as the published CamVid score was; nothing is chosen by looking at test.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.real_time.dabnet import CAMVID

DABNET: Recipe = CAMVID.replace(
    name="camvid/dabnet",
    source="as real_time/dabnet_camvid; start, rate, batch, steps and colours are ours",
    measured="66.1 on test, seed 0, one core, 2026-11-28: docs/results/shipped.md",
    network={
        # The statistics of the weights it starts from were made with these means.
        "options": {"normalisation": "dabnet_cityscapes"},
    },
    start={
        "part": "fitting",  # all but the 19 classes of dabnet_cityscapes_paddle
    },
    augment={"colour_jitter": 0.1},
    split="train+val",
    batch_size=8,
    steps=1_000,
    optimizer={"learning_rate": 5e-4},
    schedule={"warm_up_steps": 50},
    log={
        "checkpoint_every_steps": 100,
        "pictures_every_steps": 0,
    },
)
