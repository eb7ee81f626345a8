"""Gives a network the weights of a parity fixture, by the original's own names."""

import json
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from roadseg.weights.layouts import from_pytorch
from tests.support import Fixture, load_rule


def set_parameters(
    model: keras.Model,
    fixture: Fixture,
    reference_name: Callable[[str], str],
    allowed: Sequence[str] = (),
) -> None:
    """Give every variable its stored array, or what the rule makes of its name and shape.

    allowed: how names begin that may be left over (what no output of the original depends on).
    Fails when another name of the fixture is left over, or a variable has none in it.
    """
    rule = load_rule()
    salt = fixture.meta["salt"]
    names = dict(json.loads(str(fixture.arrays["names"])))
    for layer, variable in layer_variables(model):
        name = listed_name(reference_name(variable.path))
        shape = tuple(names.pop(name))
        values = fixture.arrays.get(f"stat/{name}")
        if values is None:
            values = rule.parameter(name, shape, salt)
        variable.assign(from_pytorch(np.asarray(values), variable, layer))
    left_over = sorted(name for name in names if not name.startswith(tuple(allowed)))
    assert not left_over, f"no variable takes {left_over}"


def listed_name(reference: str) -> str:
    """Return the name a fixture lists: gamma is `weight` there, for the rule's sake."""
    return reference.removesuffix("gamma") + "weight" if reference.endswith("gamma") else reference


def layer_variables(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, keras.Variable]]:
    """Yield each innermost layer with each of its weights (seeds of dropout are none)."""
    for layer in model._flatten_layers():
        if not isinstance(layer, keras.Model):
            for variable in [*layer._trainable_variables, *layer._non_trainable_variables]:
                yield layer, variable
