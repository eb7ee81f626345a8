"""A network with published weights, from a name."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from roadseg.errors import RoadsegError
from roadseg.models import registry
from roadseg.npz import ArrayFile
from roadseg.weights.class_dependent import class_dependent
from roadseg.weights.fetch import locate
from roadseg.weights.match import Match, match
from roadseg.weights.presets import Preset, Sampled, choose_preset, find_preset
from roadseg.weights.read import original_of, read_part, read_weights
from roadseg.weights.rules import Part, rules_of_part


def create_with_weights(
    name: str,
    num_classes: int | None,
    weights: str,
    options: Mapping[str, Any],
    mirror: Path | str | None = None,
    part: Part = "all",
) -> keras.Model:
    """Return the network `name` with `weights`; the other arguments are those of `create`.

    weights: what a preset's name ends in, 'cityscapes', whose options the network then has; or a
        file, or 'imagenet', as `read_weights` takes them.
    num_classes: None for the preset's. Of another number the layers that depend on it keep their
        first values, and one line on standard error says which these are.
    mirror: folder in which a preset's file is looked for first; None: $ROADSEG_WEIGHTS.
    part: of the weights that is taken: 'all', 'backbone', or 'fitting', as `recipe.start.part`.
    Raises RoadsegError for no such preset, options that contradict it, a number of classes that is
    wanted and not given, and what `locate` and `read_weights` refuse.
    """
    if weights == "imagenet" or Path(weights).expanduser().is_file():
        return _filled(name, num_classes, options, weights, weights, part)
    preset_name, preset = choose_preset(name, weights, options)
    if not (num_classes or preset.num_classes):
        raise RoadsegError(
            f"weights='{weights}': of a backbone, which leaves the classes open; give num_classes"
        )
    if preset.sampled is not None:
        raise RoadsegError(
            f"weights='{weights}': of a network behind its sampler; roadseg.load('{preset_name}') "
            "gives both"
        )
    classes = num_classes or preset.num_classes
    source = str(locate(preset_name, preset, mirror))
    options = {**preset.options, **options}
    part = preset.part if part == "all" else part
    return _filled(preset.network, classes, options, source, preset_name, part)


def create_with_arrays(
    name: str,
    num_classes: int,
    arrays: Mapping[str, np.ndarray],
    source: object,
    options: Mapping[str, Any],
    part: Part = "all",
) -> keras.Model:
    """Return the network `name` with arrays under our names, as a run holds them.

    Raises RoadsegError naming `source` where they are of another network; as `create_with_weights`.
    """
    model = registry.create(name, num_classes, **options)
    names = replace(original_of(name), reference_name=str, layout="tensorflow")
    dependent = _dependent(name, num_classes, options, model)
    rules = rules_of_part(model, names, part, dependent, source)
    if part == "all":
        # A run holds every weight of its network.
        rules = replace(rules, may_lack="nothing")
    _say(match(model, arrays, source, rules).apply(), source)
    return model


def _filled(
    name: str, classes: int | None, options: Mapping[str, Any], source: str, title: str, part: Part
) -> keras.Model:
    """Return a network with the weights of `source`, of as many classes or of others.

    title: of the source, for the line that says what it does not give.
    """
    model, original = registry.create(name, classes, **options), original_of(name)
    dependent = _dependent(name, classes, options, model)
    if part == "all":
        # ImageNet's weights are those of a backbone.
        head = source != "imagenet"
        found = read_weights(model, source, original, head=head, class_dependent=dependent)
    else:
        found = read_part(model, source, original, part, dependent)
    _say(found, title)
    return model


def _dependent(
    name: str, classes: int | None, options: Mapping[str, Any], model: keras.Model
) -> Callable[[], set[str]]:
    """Return what tells which variables of a network depend on its number of classes."""
    if classes is None:
        return set
    return partial(class_dependent, partial(registry.create, name, **options), model, classes)


def _say(found: Match, title: object) -> None:
    """Print which variables keep their first values, if any."""
    if found.kept:
        print(f"{title}: {found}", file=sys.stderr)


def load_preset(name: str, mirror: Path | str | None = None) -> tuple[keras.Model, Preset]:
    """Return the network of the preset called `name`, ready to label images, and the preset.

    One behind a sampler comes as a `SampledSegmenter`.

    mirror: as in `create_with_weights`.
    Raises RoadsegError for no such preset, for one that labels no single images, saying which
    command takes it, and for what `locate` and `read_weights` refuse.
    """
    preset = find_preset(name)
    entry = registry.find(preset.network)
    if preset.part == "backbone":
        file = preset.shipped or preset.mirrored
        raise RoadsegError(
            f"{name}: a backbone to start a training from, which labels nothing yet; give "
            f"`roadseg train` --start.initial-weights {file} --start.part backbone, or choose "
            "another (roadseg list presets)"
        )
    if not entry.labels_images:
        raise RoadsegError(
            f"{name}: of the task '{entry.task}', which takes two images; make a run of it by "
            f"`roadseg import-weights` --model {preset.network}, and give that to `roadseg predict`"
        )
    source = str(locate(name, preset, mirror))
    model = registry.create(preset.network, preset.num_classes, **preset.options)
    if preset.sampled is not None:
        return _behind_sampling(model, source, preset.sampled), preset
    read_weights(model, source, original_of(preset.network))
    return model, preset


def _behind_sampling(network: keras.Model, source: str, sampled: Sampled) -> keras.Model:
    """Return `network` behind its sampler, both with the weights of one file of ours."""
    from roadseg.models.density_sampler import density_sampler
    from roadseg.sampling import DensitySampler, SampledSegmenter

    sampler, arrays = density_sampler(sampled.input_size), ArrayFile(Path(source))
    for scope, model in (("network/", network), ("sampler/", sampler)):
        own = {name.removeprefix(scope): arrays[name] for name in arrays if name.startswith(scope)}
        match(model, own, source).apply()
    return SampledSegmenter(
        network, DensitySampler(sampler, strength=sampled.strength), sampled.size
    )
