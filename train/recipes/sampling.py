"""Samplers by density on any records: whole frames, every class's boundaries alike.

Thumbnail and cells follow the aspect of the images; see `sampling.density_targets`.
"""

from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe

DENSITY = Recipe(
    name="sampling/density",
    task="sampling_grid",
    source="ours: sampling by density, docs/results/sampling.md",
    measured="docs/results/sampling.md",
    model="density_sampler",
    data=groups.Data(
        cache="decoded",
        shuffle_buffer=400,
    ),
    augment=groups.Augment(
        crop_size=(0, 0),  # the whole frame
        min_scale=1.0,
        max_scale=1.7,
        flip_probability=0.5,
        colour_jitter=0.2,
    ),
    sampler=groups.SamplerNetwork(
        input_size=(0, 0),  # by the aspect of the frame
    ),
    batch_size=16,
    steps=1_500,
    optimizer=groups.Optimizer(
        kind="adam",
        learning_rate=2e-3,
        weight_decay=0.0,
    ),
    schedule=groups.Schedule(kind="cosine"),
    log=groups.Log(
        checkpoint_every_steps=500,
        summary_every_steps=50,
        pictures_every_steps=500,
    ),
    protocol=PROTOCOLS["density"],
)

PRIOR = DENSITY.replace(
    name="sampling/prior",
    source="ours: the mean density of the training images",
    model="prior_sampler",
    augment={
        "max_scale": 1.0,
        "colour_jitter": 0.0,
    },
    steps=1,
)
