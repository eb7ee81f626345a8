"""The demo's recipes: two arms alike but for sampling, and uniform sampling never the cheaper."""

import dataclasses

from roadseg import datasets
from roadseg.eval.costs import segmenter_cost
from roadseg.recipe import Recipe
from roadseg.run_folder import build_network
from roadseg.sampling import SampledSegmenter, UniformSampler
from roadseg.sampling.trained import trained_sampler
from roadseg.train.recipes.demo import CHOSEN, DENSITY, EVEN

FRAME = (512, 1024)
CLASSES = datasets.get("street_scenes_categories").num_classes


def test_the_arms_differ_in_sampler_and_number_of_samples_alone() -> None:
    different = {
        field.name
        for field in dataclasses.fields(Recipe)
        if getattr(EVEN, field.name) != getattr(CHOSEN, field.name)
    }
    assert different == {"name", "sampler", "sampling_size"}
    assert (EVEN.sampler, CHOSEN.sampler) == ("uniform", "density")


def test_uniform_sampling_gets_at_least_the_multiply_adds_of_the_sampler_as_samples() -> None:
    whole = dataclasses.replace(DENSITY, crop_size=FRAME)
    sampler = trained_sampler(whole, build_network(whole, 0))
    network = build_network(CHOSEN, CLASSES, evaluation=True)
    chosen = segmenter_cost(SampledSegmenter(network, sampler, CHOSEN.sampling_size), FRAME)
    even = segmenter_cost(SampledSegmenter(network, UniformSampler(), EVEN.sampling_size), FRAME)
    assert chosen.sampler_macs > 0
    assert chosen.macs <= even.macs < 1.15 * chosen.macs
