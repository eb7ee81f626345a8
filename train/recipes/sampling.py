"""Samplers by density on any records: whole frames, every class's boundaries alike.

Thumbnail and cells follow the aspect of the images; see `sampling.density_targets`.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe

DENSITY = Recipe(
    name="sampling/density",
    task="sampling",
    source="ours: sampling by density, docs/results/sampling.md",
    measured="docs/results/sampling.md",
    model="density_sampler",
    cache="decoded",
    crop_size=(0, 0),  # the whole frame
    auxiliary_input=(0, 0),  # by the aspect of the frame
    min_scale=1.0,
    max_scale=1.7,
    flip_probability=0.5,
    colour_jitter=0.2,
    shuffle_buffer=400,
    batch_size=16,
    steps=1_500,
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
    weight_decay=0.0,
    checkpoint_every_steps=500,
    summary_every_steps=50,
    pictures_every_steps=500,
)

PRIOR = replace(
    DENSITY,
    name="sampling/prior",
    source="ours: the mean density of the training images",
    model="prior_sampler",
    max_scale=1.0,
    colour_jitter=0.0,
    steps=1,
)
