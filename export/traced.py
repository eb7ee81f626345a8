"""Functions of one image, or of those of several cameras, as TensorFlow's of one tensor each."""

from collections.abc import Callable
from typing import Any

from roadseg.export.interface import Interface, Size
from roadseg.export.views import Views, parts


def traced(
    function: Callable[[Views], Any],
    interface: Interface,
    size: Size | None = None,
    kind: Any = None,
) -> Any:
    """Return a TensorFlow function of the inputs of `interface`, in order, called by their names.

    function: takes the image, or those of the cameras by name. size: height and width of the one
        image (one of each camera) that it takes; None for any.
    kind: type of the images; None for uint8.
    """
    import tensorflow as tf

    shape = interface.shape(size)
    images = [tf.TensorSpec(shape, kind or tf.uint8, name=name) for name in interface.inputs]

    def of_tensors(*tensors: Any) -> Any:
        return function(interface.views_of(tensors))

    return tf.function(of_tensors, input_signature=images, autograph=False)


def arrays(function: Any, views: Views) -> dict[str, Any]:
    """Return what a function of `traced` gives for images, as arrays by name."""
    found = function(*(image for _, image in parts(views)))
    return {name: value.numpy() for name, value in found.items()}
