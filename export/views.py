"""One image, or one of each camera by its name: what can be done with either alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Views = Any
"""An array or a tensor; of several cameras one of each, by the camera's name."""


def each(function: Callable[..., Any], first: Views, *others: Views) -> Views:
    """Return `function` of the one image, or of those of each camera, by its name.

    others: of the same cameras, handed over beside the first.
    """
    if not isinstance(first, Mapping):
        return function(first, *others)
    return {view: function(first[view], *(x[view] for x in others)) for view in first}


def parts(views: Views) -> list[tuple[str, Any]]:
    """Return the cameras' names, each with what is of it; one image has no name: ""."""
    return list(views.items()) if isinstance(views, Mapping) else [("", views)]


def by_name(views: Views, names: Sequence[str]) -> dict[str, Any]:
    """Return images by the names of the inputs that take them: `names`, one for one image."""
    if isinstance(views, Mapping):
        return {name: views[name] for name in names}
    return dict(zip(names, [views], strict=True))


def batched(views: Views) -> Views:
    """Return images as batches of one."""
    return each(lambda image: image[None], views)


def prefixed(view: str, name: str) -> str:
    """Return what an output is called: "wide_labels" of the view "wide", "labels" of ""."""
    return f"{view}_{name}" if view else name
