"""The one size of images that an export takes where `--size` names it."""

from typing import TYPE_CHECKING, Any

from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
# The least and the greatest side; beyond, the trial of an export would outgrow most machines.
SIDES = (8, 8192)


def image_shape(size: Size | None) -> tuple[int | None, ...]:
    """Return the shape of the images of an export: one of `size`, or any of any size."""
    return (None, None, None, 3) if size is None else (1, *size, 3)


def check_size(model: "keras.Model", size: Size | None) -> None:
    """Raise RoadsegError where `model` does not take images of `size`, before anything is traced.

    model: what a run gives to be exported, whose images are padded to a legal size if need be.
    """
    from roadseg.layers.introspection import innermost_layers
    from roadseg.layers.light_aspp import least_image_side
    from roadseg.layers.normalisation import SizeRange

    if size is None:
        return
    text = "x".join(map(str, size))
    least = max(least_image_side(model), SIDES[0])
    if not all(least <= side <= SIDES[1] for side in size):
        raise RoadsegError(f"--size {text}: give sides from {least} to {SIDES[1]}")
    ranges: list[Any] = [x for x in innermost_layers(model) if isinstance(x, SizeRange)]
    for layer in ranges:
        try:
            layer.compute_output_shape(image_shape(size))
        except RoadsegError as error:
            raise RoadsegError(f"--size {text}: {error}") from None
