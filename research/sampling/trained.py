"""The networks of samplers that are trained, from their recipes."""

from typing import Any

import keras

from roadseg.models.density_sampler import STRIDE, density_sampler, prior_sampler
from roadseg.models.nus_sampler import nus_sampler
from roadseg.recipe.recipe import DENSITY_MODELS, Recipe
from roadseg.sampling.density import DensitySampler, PriorSampler
from roadseg.sampling.density_targets import density_input
from roadseg.sampling.nus import NusSampler
from roadseg.sampling.sampler import Sampler


def sampler_network(recipe: Recipe) -> keras.Model:
    """Return the untrained network of a recipe of the task 'sampling_grid'."""
    if recipe.model == "prior_sampler":
        height, width = density_input(recipe)
        return prior_sampler((height // STRIDE, width // STRIDE))
    if recipe.model == "density_sampler":
        return density_sampler(density_input(recipe), recipe.sampler.density_width)
    return nus_sampler(
        input_size=recipe.sampler.input_size,
        output_stride=recipe.sampler.input_size[0] // recipe.sampler.grid_size[0],
        depth_multiplier=recipe.sampler.width,
    )


def trained_sampler(recipe: Recipe, network: keras.Model, **options: Any) -> Sampler:
    """Return the sampler around `network`, that of `recipe`.

    options: of the sampler's class, in place of the recipe's.
    """
    options.setdefault("target_classes", recipe.sampler.classes)
    if recipe.model not in DENSITY_MODELS:
        options.setdefault("alpha", recipe.sampler.alpha)
        return NusSampler(network, **options)
    options.setdefault("strength", recipe.sampling.strength)
    options.setdefault("class_weights", recipe.sampler.class_weights)
    if recipe.model == "prior_sampler":
        return PriorSampler(network, **options)
    return DensitySampler(network, **options)
