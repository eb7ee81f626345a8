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
    held = recipe.schedule.update_every_steps
    step = (step // held + recipe.schedule.one_interval_ahead) * held
    if recipe.schedule.kind == "cosine":
        return cosine(
            step, recipe.steps, recipe.optimizer.learning_rate, recipe.schedule.final_learning_rate
        )
    if recipe.schedule.kind == "halving":
        every = recipe.schedule.halve_every_steps
        halvings = step // every if every else 0
        halvings += sum(step >= place for place in recipe.schedule.halve_at_steps)
        return recipe.optimizer.learning_rate * 0.5**halvings
    if recipe.schedule.kind == "restarts":
        return restarts(step // held, max(recipe.steps // held, 1), recipe.optimizer.learning_rate)
    warm_up, steps = recipe.schedule.warm_up_steps, recipe.steps + recipe.schedule.extra_steps
    if warm_up:
        if step <= warm_up:
            share = step / warm_up
            return recipe.optimizer.learning_rate * (
                recipe.schedule.warm_up_from * (1 - share) + share
            )
        step, steps = step - warm_up, steps - warm_up
    return poly(step, steps, recipe.optimizer.learning_rate, recipe.schedule.power)


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
