"""What `tf.data` is told about every pipeline, so that none takes longer than its work."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import tensorflow as tf

Function = TypeVar("Function", bound=Callable[..., Any])


def as_written(function: Function) -> Function:
    """Return `function` such that TensorFlow traces it without rewriting it first.

    AutoGraph rewrites the Python of a function and of all it calls, so that `if` and `while` may
    ask tensors. Nothing here does that, and the rewriting takes seconds for each pipeline.
    """
    import tensorflow as tf

    plain: Function = tf.autograph.experimental.do_not_convert(function)
    return plain


def untuned(data: "tf.data.Dataset") -> "tf.data.Dataset":
    """Return `data` read by as many threads as there are cores from its start to its end.

    The tuner of `tf.data` would begin with one, and look again at intervals that double up to a
    minute. The end of a pipeline waits for its next look: half of all the time, for a short one.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)
