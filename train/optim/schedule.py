"""How the learning rate falls from step to step."""

import math

from roadseg.recipe.recipe import Recipe

RESTART = 5
"""Epochs from a restart to the next."""
CYCLIC = (3, 5)
"""Share of the epochs with restarts."""


def rate_at(step: int, recipe: Recipe) -> float:
    """Return the rate of `step`, 0 to recipe.steps - 1, by the schedule of `recipe`.

    Source of rate_ahead: SFSegNets ba475ba, train.py, which on PyTorch 1.1 and later steps its
    scheduler once too often before the first epoch; of the warm-up: Reagan1311/DABNet b8d62fe,
    where the poly schedule counts from its end.
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
    if recipe.schedule == "restarts":
        return restarts(step // held, max(recipe.steps // held, 1), recipe.learning_rate)
    warm_up, steps = recipe.warm_up_steps, recipe.steps + recipe.poly_steps_beyond
    if warm_up:
        if step <= warm_up:
            share = step / warm_up
            return recipe.learning_rate * (recipe.warm_up_from * (1 - share) + share)
        step, steps = step - warm_up, steps - warm_up
    return poly(step, steps, recipe.learning_rate, recipe.power)


def restarts(epoch: int, epochs: int, learning_rate: float) -> float:
    """Return the rate of `epoch`, 0 and on: 1, then 5, 4, 3, 2, 1, 5, 4 .. times learning_rate.

    After three fifths of the epochs and one, it falls in a straight line and is 0 after the last.
    Source: sacmehta/EdgeNets 2b232d3, its schedule "hybrid", of 100 epochs, without rounding.
    """
    last = epochs * CYCLIC[0] // CYCLIC[1]
    if epoch <= last:
        return learning_rate * (RESTART - (epoch - 1) % RESTART if epoch else 1)
    return learning_rate * (1.0 - (epoch - last) / (epochs - last))


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
