"""Which variables of a network depend on how many classes there are: told by building it anew."""

from collections.abc import Callable

import keras


def class_dependent(
    build: Callable[[int], keras.Model], model: keras.Model, classes: int
) -> set[str]:
    """Return the paths of the variables of `model` whose shape depends on the number of classes.

    build: returns the same network for another number; it is called twice. classes: of `model`.
    In ESPNet these are most of the decoder; in SwiftNet as Fast_Seg has it, all that is as wide as
    there are classes.
    """
    dependent: set[str] = set()
    # By 5, since ESPNet divides the classes among five branches; by more, since others may round.
    for number in (classes + 5, 2 * classes + 8):
        # Only shapes are looked at: a GPU needs no room for these networks.
        with keras.device("cpu"):
            shapes = {variable.path: variable.shape for variable in build(number).weights}
        dependent |= {v.path for v in model.weights if tuple(shapes[v.path]) != tuple(v.shape)}
    return dependent
