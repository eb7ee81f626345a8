"""How the learning rate falls from step to step."""

import math

from roadseg.recipe import Recipe


def rate_at(step: int, recipe: Recipe) -> float:
    """Return the rate of `step`, 0 to recipe.steps - 1, by the schedule of `recipe`.

    Source of rate_ahead: SFSegNets ba475ba, train.py, which on PyTorch 1.1 and later steps its
    scheduler once too often before the first epoch.
    """
    held = recipe.rate_every_steps
    step = (step // held + recipe.rate_ahead) * held
    if recipe.schedule == "cosine":
        return cosine(step, recipe.steps, recipe.learning_rate, recipe.final_learning_rate)
    if recipe.schedule == "halving":
        every = recipe.halve_every_steps
        halvings = step // every if every else 0
        halvings += sum(step >= place for place in recipe.halve_at_steps)
        return recipe.learning_rate * 0.5**halvings
    steps = recipe.steps + recipe.poly_steps_beyond
    return poly(step, steps, recipe.learning_rate, recipe.power)


def poly(step: int, steps: int, learning_rate: float, power: float) -> float:
    """Return the rate of `step`: learning_rate * (1 - step / steps) ** power, 0 from `steps` on.

    Source: adaptive-sampling, research/deeplab/utils/train_utils.py (learning policy 'poly');
    Fast_Seg 7895738 has the same.
    """
    return learning_rate * max(0.0, 1.0 - step / steps) ** power


def cosine(step: int, steps: int, learning_rate: float, final: float) -> float:
    """Return the rate of `step` on half a cosine from learning_rate to `final`, at `steps`.

    Source: Loshchilov and Hutter 2017 (SGDR), without restarts, as PyTorch's CosineAnnealingLR.
    """
    place = min(step / steps, 1.0)
    return final + (learning_rate - final) * (1.0 + math.cos(math.pi * place)) / 2.0
