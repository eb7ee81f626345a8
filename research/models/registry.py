"""The networks by name: a table to read, and `create`, which looks a name up in it."""

import dataclasses
import difflib
import inspect
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras

from roadseg.backbones import mobilenet_v3_modified, stdc
from roadseg.command_line.options import check_types
from roadseg.errors import RoadsegError
from roadseg.models import external, pytorch_names, semshare_names, slim_names
from roadseg.models.bisenet import bisenet
from roadseg.models.dabnet import dabnet
from roadseg.models.ddrnet import ddrnet_23, ddrnet_23_slim
from roadseg.models.deeplabv3_mobilenet_v2 import deeplabv3_mobilenet_v2
from roadseg.models.dfanet import dfanet
from roadseg.models.dfseg import dfseg_v1, dfseg_v2
from roadseg.models.espnet import espnet, espnet_c
from roadseg.models.espnetv2 import UNUSED as ESPNETV2_UNUSED
from roadseg.models.espnetv2 import espnetv2
from roadseg.models.fast_scnn import fast_scnn
from roadseg.models.fpn import fpn_stdc1, fpn_stdc2
from roadseg.models.icnet import icnet
from roadseg.models.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from roadseg.models.msfnet import msfnet
from roadseg.models.original import BACKBONE, Original
from roadseg.models.pidnet import pidnet_l, pidnet_m, pidnet_s
from roadseg.models.pspnet import pspnet_50, pspnet_101
from roadseg.models.pwcnet import pwcnet
from roadseg.models.semshare_loose import semshare_loose
from roadseg.models.semshare_tight import semshare_tight
from roadseg.models.sfnet import (
    sfnet_dfnet_v1,
    sfnet_dfnet_v2,
    sfnet_resnet18,
    sfnet_resnet50,
    sfnet_resnet101,
    sfnet_stdc1,
    sfnet_stdc2,
)
from roadseg.models.sfnet_lite import sfnet_lite_resnet18, sfnet_lite_stdc1, sfnet_lite_stdc2
from roadseg.models.sgcpnet import sgcpnet
from roadseg.models.spec import ModelSpec, Task, checked
from roadseg.models.swiftnet import swiftnet
from roadseg.models.two_cameras import PARTS
from roadseg.network_names import no_network, no_option, offered_networks


def _pytorch(
    build: Callable[..., keras.Model],
    *,
    names: Callable[[str], str] = pytorch_names.reference_name,
    backbone: tuple[str, ...] = BACKBONE,
    auxiliary_heads: tuple[str, ...] = (),
    unused: tuple[str, ...] = (),
    aliases: tuple[tuple[str, str], ...] = (),
    **spec: Any,
) -> ModelSpec:
    """Return the entry of a network whose layers bear the names of a PyTorch original's modules."""
    original = Original(names, "pytorch", backbone, auxiliary_heads, unused, aliases)
    return ModelSpec(build, auxiliary_heads=auxiliary_heads, original=original, **spec)


_dilated_resnet = partial(
    _pytorch,
    backbone=("layer",),
    aliases=(("conv1.", "layer0.0."), ("bn1.", "layer0.1.")),
)
"""Makes the entry of a network of SFSegNets on a ResNet."""
SIDE_HEADS = ("head.dsn.",)
"""The heads of SFSegNets' deep supervision; SFNet-Lite has them and never runs them."""
_mobilenet_v3 = partial(
    _pytorch,
    names=semshare_names.reference_name,
    backbone=("pretrained.",),
    any_size_options={"pooling": "whole"},
    parts={name: PARTS[name] for name in ("backbone", "head")},
    unused=("pretrained.classifier.",),
)
"""Makes the entry of a network of Semantics Sharing on MobileNetV3."""
_two_cameras = partial(_mobilenet_v3, task="two_cameras", parts=PARTS)
"""Makes the entry of a coupled network of Semantics Sharing."""
_ddrnet = partial(
    _pytorch,
    size_multiple=8,
    min_batch_size=2,
    backbone=("conv1.", "layer", "compression", "down"),
    auxiliary_heads=("seghead_extra.",),
)
"""Makes the entry of a DDRNet."""
_pidnet = partial(
    _pytorch,
    size_multiple=8,
    min_batch_size=2,
    backbone=("conv1.", "layer", "compression", "pag", "diff"),
    auxiliary_heads=("seghead_p.", "seghead_d."),
)
"""Makes the entry of a PIDNet."""
STDC_NEVER_RUN = tuple(f"backbone.{name}" for name in stdc.NEVER_RUN)

MODELS: dict[str, ModelSpec] = {
    "bisenet": _pytorch(
        bisenet,
        parameters=13_042_643,
        auxiliary_heads=("heads.0.", "heads.1."),
    ),
    "dabnet": _pytorch(dabnet, parameters=756_643, size_multiple=4, backbone=()),
    "ddrnet_23": _ddrnet(ddrnet_23, parameters=20_148_947),
    "ddrnet_23_slim": _ddrnet(ddrnet_23_slim, parameters=5_695_987),
    "deeplabv3_mobilenet_v2": ModelSpec(
        deeplabv3_mobilenet_v2,
        parameters=2_113_043,
        original=Original(slim_names.reference_name),
    ),
    "dfanet": _pytorch(
        dfanet,
        parameters=1_831_051,
        size_multiple=64,
        auxiliary_heads=("dsn1.", "dsn2."),
        unused=("backbone.fc.weight", "backbone.fc.bias"),
    ),
    "dfseg_v1": _pytorch(
        dfseg_v1,
        parameters=9_220_659,
        auxiliary_heads=("dsn.",),
        unused=("backbone.fc.weight", "backbone.fc.bias"),
    ),
    "dfseg_v2": _pytorch(
        dfseg_v2,
        parameters=18_674_739,
        auxiliary_heads=("dsn.",),
        unused=("backbone.fc.weight", "backbone.fc.bias"),
    ),
    "espnet": _pytorch(
        espnet,
        parameters=201_542,
        size_multiple=8,
        backbone=("encoder.",),
    ),
    "espnet_c": _pytorch(
        espnet_c,
        parameters=210_889,
        size_multiple=8,
    ),
    "espnetv2": _pytorch(
        espnetv2,
        parameters=232_768,
        size_multiple=16,
        backbone=("base_net.",),
        unused=ESPNETV2_UNUSED,
    ),
    "fast_scnn": _pytorch(
        fast_scnn,
        parameters=1_138_051,
        size_multiple=32,
        auxiliary_heads=("auxlayer.",),
    ),
    "fpn_stdc1": _pytorch(
        fpn_stdc1, parameters=5_976_627, auxiliary_heads=SIDE_HEADS, unused=STDC_NEVER_RUN
    ),
    "fpn_stdc2": _pytorch(
        fpn_stdc2, parameters=10_007_091, auxiliary_heads=SIDE_HEADS, unused=STDC_NEVER_RUN
    ),
    "icnet": _pytorch(
        icnet,
        parameters=47_484_320,
        size_multiple=8,
        backbone=("backbone.conv", "backbone.bn", "backbone.layer"),
        auxiliary_heads=("head.cff_12.conv_low_cls", "head.cff_24.conv_low_cls"),
    ),
    "mobilenet_v3_large": _mobilenet_v3(mobilenet_v3_large, parameters=2_813_675),
    "mobilenet_v3_small": _mobilenet_v3(mobilenet_v3_small, parameters=1_068_971),
    "msfnet": _pytorch(
        msfnet,
        parameters=14_758_931,
        auxiliary_heads=("boundary.",),
    ),
    "pidnet_l": _pidnet(pidnet_l, parameters=36_939_571),
    "pidnet_m": _pidnet(pidnet_m, parameters=28_538_515),
    "pidnet_s": _pidnet(pidnet_s, parameters=7_625_715),
    "pspnet_50": _pytorch(
        pspnet_50,
        parameters=46_715_347,
        backbone=("conv", "bn", "layer"),
        auxiliary_heads=("dsn.",),
    ),
    "pspnet_101": _pytorch(
        pspnet_101,
        parameters=65_707_475,
        backbone=("conv", "bn", "layer"),
        auxiliary_heads=("dsn.",),
    ),
    "pwcnet": _pytorch(
        pwcnet,
        names=semshare_names.reference_name,
        parameters=3_754_074,
        task="flow",
        backbone=(),
        unused=("FlowEstimator(Lv5).", "FlowEstimator(Lv6)."),
    ),
    "semshare_loose": _two_cameras(
        semshare_loose,
        parameters=6_642_400,
        unused=(
            "pretrained.classifier.",
            "flow_Network.FlowEstimator(Lv5).",
            "flow_Network.FlowEstimator(Lv6).",
        ),
    ),
    "semshare_tight": _two_cameras(semshare_tight, parameters=4_564_348),
    "sfnet_dfnet_v1": _pytorch(sfnet_dfnet_v1, parameters=8_422_387, auxiliary_heads=SIDE_HEADS),
    "sfnet_dfnet_v2": _pytorch(sfnet_dfnet_v2, parameters=17_876_467, auxiliary_heads=SIDE_HEADS),
    "sfnet_lite_resnet18": _dilated_resnet(
        sfnet_lite_resnet18, parameters=12_079_863, unused=(*SIDE_HEADS, "head.fpn_in.2.")
    ),
    "sfnet_lite_stdc1": _pytorch(
        sfnet_lite_stdc1, parameters=6_433_623, unused=(*SIDE_HEADS, *STDC_NEVER_RUN)
    ),
    "sfnet_lite_stdc2": _pytorch(
        sfnet_lite_stdc2, parameters=10_464_087, unused=(*SIDE_HEADS, *STDC_NEVER_RUN)
    ),
    "sfnet_resnet18": _dilated_resnet(
        sfnet_resnet18, parameters=12_869_715, auxiliary_heads=SIDE_HEADS
    ),
    "sfnet_resnet50": _dilated_resnet(
        sfnet_resnet50, parameters=31_325_139, auxiliary_heads=SIDE_HEADS
    ),
    "sfnet_resnet101": _dilated_resnet(
        sfnet_resnet101, parameters=50_317_267, auxiliary_heads=SIDE_HEADS
    ),
    "sfnet_stdc1": _pytorch(
        sfnet_stdc1, parameters=5_992_371, auxiliary_heads=SIDE_HEADS, unused=STDC_NEVER_RUN
    ),
    "sfnet_stdc2": _pytorch(
        sfnet_stdc2, parameters=10_022_835, auxiliary_heads=SIDE_HEADS, unused=STDC_NEVER_RUN
    ),
    "sgcpnet": _pytorch(
        sgcpnet,
        parameters=607_826,
        min_batch_size=2,
        backbone=mobilenet_v3_modified.BACKBONE,
        unused=mobilenet_v3_modified.CLASSIFIER,
        aliases=mobilenet_v3_modified.ALIASES,
    ),
    "swiftnet": _pytorch(
        swiftnet,
        parameters=11_207_766,
        backbone=("conv1", "bn1", "layer"),
        auxiliary_heads=("dsn.",),
    ),
}


# Taken before anyone can register a network.
_PUBLISHED = frozenset(MODELS)
_TOLD = tuple(f.name for f in dataclasses.fields(ModelSpec) if f.name not in ("build", "original"))
"""What `register_model` may be told of a network."""


def register_model(name: str, build: Any = None, **spec: Any) -> Any:
    """Let `create`, recipes and commands know a network of your own as `name`; return its builder.

    @roadseg.register_model("my_net", size_multiple=8)
    def my_net(num_classes, input_shape=(None, None, 3), include_preprocessing=True): ...

    build: takes num_classes first, and keyword options; returns a keras.Model from RGB images
        (batch, height, width, 3), 0..255, to logits of the same height and width. None: decorate.
    spec: `size_multiple` and `min_batch_size` (1 each), `task`, `parameters`, `parts`,
        `any_size_options`, `auxiliary_heads`: as the fields of the table of networks.
    Registered again, a name stands for the newer builder, as a notebook needs it. Other processes
    know it as "package.module:function", or by an entry point of the group "roadseg.models".
    Raises RoadsegError for a name that a published network has, and for what cannot be.
    """
    if build is None:
        return partial(register_model, name, **spec)
    if not name or external.is_path(name):
        raise RoadsegError(f"'{name}': a name without a colon wanted, such as my_net")
    if name in _PUBLISHED:
        raise RoadsegError(f"'{name}' is a published network; take another name")
    for word in spec:
        if word not in _TOLD:
            near = difflib.get_close_matches(word, _TOLD) or list(_TOLD)
            raise RoadsegError(f"{name}: no property '{word}'; there are {', '.join(near)}")
    original = Original(auxiliary_heads=spec.get("auxiliary_heads", ()))
    MODELS[name] = checked(name, ModelSpec(build, original=original, **spec))
    return build


@cache
def _read_entry_points() -> None:
    """Register the networks that installed packages offer; say which could not be imported."""
    for name, path in offered_networks().items():
        try:
            build = external.load(path)
            if name not in MODELS:
                register_model(name, build)
        except Exception as error:  # another package's own fault: ours are still there
            warnings.warn(f"network '{name}' of {path} cannot be used: {error}", stacklevel=2)


def list_models(task: Task | None = None) -> list[str]:
    """Return the names that `create` knows, sorted; those of one task, or all of them."""
    _read_entry_points()
    return sorted(name for name, entry in MODELS.items() if task in (None, entry.task))


def is_published(name: str) -> bool:
    """Return whether `name` is a network of this package, and not one of a user's own."""
    return name in _PUBLISHED


def is_known(name: str) -> bool:
    """Return whether `find` looks for a network of this name, or for one of a package."""
    return external.is_path(name) or name in list_models()


def find(name: str) -> ModelSpec:
    """Return the entry called `name`, or made of the builder at "package.module:function".

    Raises RoadsegError, naming near ones, if there is none.
    """
    if external.is_path(name):
        build = external.load(name)
        # The path of a builder in the table means its entry, with all that is known of it.
        entries = (entry for entry in MODELS.values() if entry.build is build)
        return next(entries, None) or checked(name, ModelSpec(build))
    if name not in MODELS:
        _read_entry_points()
    if name in MODELS:
        return MODELS[name]
    raise no_network(name, list_models())


def create(name: str, num_classes: int | None = None, **options: Any) -> keras.Model:
    """Return a new network, untrained: RGB (batch, height, width, 3), 0..255, to class logits.

    name: one of `list_models()`, or "package.module:function". Those of the task "two_cameras" take
        and give a dict, "wide" and "narrow"; "flow" takes "first" and "second" and gives flows.
    num_classes: at least 1; left out for a flow.
    options: keyword arguments of that network's builder (`input_shape`, `output_stride`, ...);
        auxiliary_heads=False also for networks that never have any.
    Raises RoadsegError for an unknown name or option, or a value that the network refuses.
    """
    entry = find(name)
    known = [word for word in inspect.signature(entry.build).parameters if word != "num_classes"]
    check_types(entry.build, options, name)
    if "auxiliary_heads" not in known:
        check_types(_heads_alone, options, name)
        if options.pop("auxiliary_heads", False):
            raise RoadsegError(f"{name} has no auxiliary heads; leave out auxiliary_heads")
    for option in options:
        if option not in known:
            raise no_option(name, option, known)
    classes = _classes(name, entry, num_classes)
    try:
        # Published networks name every layer with weights; others may leave names to Keras.
        if is_published(name):
            return entry.build(*classes, **options)
        with external.fresh_names():
            return entry.build(*classes, **options)
    except RoadsegError as error:
        raise RoadsegError(f"{name}: {error}") from None
    except ValueError as error:
        raise RoadsegError(f"{name}: {error}") from error


def _heads_alone(auxiliary_heads: bool = False) -> None:
    """Stand for what every network is asked; those without such heads take False alone."""


def _classes(name: str, entry: ModelSpec, num_classes: int | None) -> tuple[int, ...]:
    """Return what a builder takes before its options, or raise RoadsegError."""
    if not entry.has_classes:
        if num_classes is not None:
            raise RoadsegError(f"{name} finds a flow, no classes; leave out num_classes")
        return ()
    # True would count as 1.
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 1:
        raise RoadsegError(f"num_classes={num_classes!r}; a network needs an integer of 1 or more")
    return (num_classes,)
