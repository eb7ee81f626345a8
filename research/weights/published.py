"""A network with published weights, from a name."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import keras

from roadseg.errors import RoadsegError
from roadseg.models import registry
from roadseg.npz import ArrayFile
from roadseg.weights.fetch import locate
from roadseg.weights.match import assign
from roadseg.weights.presets import Preset, Sampled, choose_preset, find_preset
from roadseg.weights.read import original_of, read_part, read_weights


def create_with_weights(
    name: str,
    num_classes: int | None,
    weights: str,
    options: Mapping[str, Any],
    mirror: Path | str | None = None,
) -> keras.Model:
    """Return the network `name` with `weights`; the other arguments are those of `create`.

    weights: what a preset's name ends in, 'cityscapes', whose options the network then has; or a
        file, or 'imagenet', as `read_weights` takes them.
    num_classes: None for the preset's. Of another number the network takes what fits, and one line
        on standard error says what it left.
    mirror: folder in which a preset's file is looked for first; None: $ROADSEG_WEIGHTS.
    Raises RoadsegError for no such preset, options that contradict it, a number of classes that is
    wanted and not given, and what `locate` and `read_weights` refuse.
    """
    if weights == "imagenet" or Path(weights).expanduser().is_file():
        model = registry.create(name, num_classes, **options)
        read_weights(model, weights, original_of(name))
        return model
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
    model = registry.create(preset.network, classes, **{**preset.options, **options})
    original = original_of(preset.network)
    if preset.part == "all" and classes == preset.num_classes:
        read_weights(model, source, original)
        return model
    part: Literal["backbone", "fitting"] = "fitting" if preset.part == "all" else "backbone"
    print(f"{preset_name}: {read_part(model, source, original, part)}", file=sys.stderr)
    return model


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
            f"`roadseg train` --initial-weights {file} --initial-weights-part backbone, or "
            "choose another (roadseg list presets)"
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
        assign(model, own, source)
    return SampledSegmenter(
        network, DensitySampler(sampler, strength=sampled.strength), sampled.size
    )
