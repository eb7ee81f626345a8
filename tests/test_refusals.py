"""Messages of the library that no other test raises: one line each."""

import copy
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from roadseg.command_line.options import read_options
from roadseg.errors import RoadsegError
from roadseg.files import read_json
from roadseg.npz import ArrayFile
from roadseg.recipe.recipe import Recipe
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.two_cameras.flow_files import decode_flow, read_flow
from roadseg.two_cameras.rig import DEFAULT, find_rig
from roadseg.weights.fetch import MIRROR, locate
from roadseg.weights.presets import PRESETS
from roadseg.weights.safetensors import read_safetensors
from tests.support import assert_refused, on_tensorflow


def damaged(values: object, read: Callable[[Path], object]) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        path = folder / "recipe.json"
        path.write_text(values if isinstance(values, str) else json.dumps(values))
        return read(path)

    return run


def rig(*keys: str, value: object = None) -> Callable[[Path], object]:
    """Return what reads the usual rig with a value replaced, or a key left out for None."""

    def run(folder: Path) -> object:
        import yaml

        text = (
            resources.files("roadseg.two_cameras.rigs")
            .joinpath(DEFAULT)
            .read_text(encoding="utf-8")
        )
        values = copy.deepcopy(yaml.safe_load(text))
        inner = values
        for key in keys[:-1]:
            inner = inner[key]
        if value is None:
            del inner[keys[-1]]
        else:
            inner[keys[-1]] = value
        path = folder / "rig.yaml"
        path.write_text(yaml.safe_dump(values))
        return find_rig(path)

    return run


def zip_without_arrays(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    ArrayFile(folder / "a.zip")


def no_mirror(folder: Path) -> None:
    name, preset = next((n, p) for n, p in PRESETS.items() if p.address)
    locate(name, preset, folder / "nowhere")


def nothing_to_fetch(folder: Path) -> None:
    name, preset = next((n, p) for n, p in PRESETS.items() if not (p.address or p.shipped))
    locate(name, preset, folder)


def a_pickle_of_code(folder: Path) -> None:
    from roadseg.weights.pytorch import read_pytorch

    with zipfile.ZipFile(folder / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({"w": print}, protocol=2))
        archive.writestr("a/version", "3")
    read_pytorch(folder / "a.pth")


def no_archive(folder: Path) -> None:
    from roadseg.weights.slim import read_slim

    read_slim(folder / "a.tgz")


def network(name: str, **options: object) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        import roadseg

        return roadseg.create(name, 3, **options)

    return run


def imported(name: str, content: bytes | None = None) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        from roadseg.runs.import_command import main

        if content is not None:
            (folder / name).write_bytes(content)
        network = ["--model", "espnet_c", "--num-classes", "3"]
        return main([str(folder / name), *network, "--to", str(folder / "to.npz")])

    return run


def norms_of_no_name(folder: Path) -> None:
    import roadseg
    from roadseg.layers.conv_bn import synchronise_batch_norm

    synchronise_batch_norm(roadseg.create("fast_scnn", 3), local=["moon*"])


def no_prefix(folder: Path) -> None:
    from roadseg.weights.slim import read_slim

    read_slim(folder / "model.ckpt-1")


def a_prefix_of_text(folder: Path) -> None:
    from roadseg.weights.slim import read_slim

    (folder / "model.ckpt-1.index").write_text("text")
    read_slim(folder / "model.ckpt-1")


def a_pruned_checkpoint(folder: Path) -> None:
    import roadseg
    from roadseg.eval import watch
    from tests.eval.runs import TABLE, begin_run, recipe, write_records

    run = begin_run(folder / "run", recipe(write_records(folder / "records")), TABLE)
    write_checkpoint(run.checkpoint_folder, 3, {"weights": {}}, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "evaluate_and_store", lambda *_: None)
        roadseg.evaluate(run)


def a_folder_of_another_alphabet(folder: Path) -> None:
    from roadseg.cli import _refuse_old_names

    _refuse_old_names("train", ["--records", f"{folder}/stra\udcdfe"])


def a_sampler_of_odd_sides(folder: Path) -> None:
    from roadseg.runs.import_command import main

    (folder / "w.npz").touch()
    options = ["--options", "output_stride=7", "--to", str(folder / "to.npz")]
    main([str(folder / "w.npz"), "--sampler", *options])


def two_checkpoints(folder: Path) -> None:
    from roadseg.weights.slim import read_slim

    with tarfile.open(folder / "a.tar", "w") as archive:
        for name in ("a.index", "b.index"):
            archive.addfile(tarfile.TarInfo(name))
    read_slim(folder / "a.tar")


def one_tensor(folder: Path) -> None:
    from roadseg.weights.wrapping import find_tensors

    find_tensors([1.0], lambda _: True, str(folder / "w.pth"))


def no_torch_file(folder: Path) -> None:
    from roadseg.weights.pickled import read_torch_content

    read_torch_content(folder / "w.pth")


def no_keras_backbone(folder: Path) -> None:
    from roadseg.weights.keras_imagenet import read_keras_file

    read_keras_file(folder / "w.h5")


SMALL_RECIPE = {"name": "x", "task": "segmentation", "source": "", "records": "r"}
INTRINSICS = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]
REFUSALS: list[tuple[Callable[[Path], object], str]] = [
    (lambda f: read_json(f / "x", "way out", "what"), "x: what: No such file .*; way out"),
    (damaged("{", lambda path: read_json(path, "way out")), "recipe.json: not JSON .*; way out"),
    (lambda f: read_flow(f / "x.flo"), "x.flo: cannot be read .*; check the file"),
    (lambda f: decode_flow(b"PIEH", f / "x.flo"), "x.flo: 4 bytes are no .flo file; copy"),
    (zip_without_arrays, "a.zip: a zip file without arrays"),
    (lambda _: read_options(["a=1", "a=2"]), "--options a=2: 'a' is given twice"),
    (damaged([], Recipe.from_json), "recipe.json: not a recipe .list.; is this a run"),
    (damaged({**SMALL_RECIPE, "moon": 1}, Recipe.from_json), "unknown fields moon; written by"),
    (damaged({**SMALL_RECIPE, "steps": "x"}, Recipe.from_json), "'x'; give a whole number"),
    (rig("rotation"), "rig.yaml: rotation missing; a rig file has wide, narrow, rotation"),
    (rig("wide", "height", value=1), "rig.yaml: wide.height is 1; give pixels, 2 or more"),
    (rig("wide", "intrinsics", value=INTRINSICS), "wide.intrinsics is .*; give .fx, s, cx"),
    (no_mirror, f"{MIRROR}=.*nowhere: no such folder; name one"),
    (nothing_to_fetch, f"cannot be fetched .*; put it into a folder and name that by {MIRROR}"),
    (a_pickle_of_code, "a.pth: .*refused; "),
    (no_archive, "a.tgz: no such archive; check the path"),
    (network("fast_scnn", input_shape=(33, 64, 3)), "fast_scnn: image height 33: this network"),
    (network("semshare_tight", fixed_sizes=True, scale=0.5), "scale=0.5: fixed_sizes=True bel"),
    (network("semshare_loose", scale=2.0), "scale=2.0: flow and fusion run above 0, at most 1"),
    (damaged({"name": "x"}, Recipe.from_json), "recipe.json: '.*' is missing; copy the file"),
    (damaged({**SMALL_RECIPE, "steps": 0}, Recipe.from_json), "steps is 0; at least 1 is wanted"),
    (network("pwcnet"), "pwcnet finds a flow, no classes; leave out num_classes"),
    (network("dabnet", auxiliary_heads=True), "dabnet has no auxiliary heads; leave out auxil"),
    (network("mobilenet_v3_small", input_shape=(64, 64, 3)), "or less: this head averages"),
    (imported("a.xyz", b"text"), "a.xyz: no weights here; there are 'imagenet', 'none'"),
    (imported("a.npz"), "a.npz: no such file; check the path"),
    (lambda f: read_safetensors(f / "x.safetensors"), "x.safetensors: No such file .*; check"),
    (
        norms_of_no_name,
        "--batch-norm.unsynchronised moon.*: no such batch normalisation; there",
    ),
    (no_prefix, "model.ckpt-1: no checkpoint here .*index is absent"),
    (a_prefix_of_text, "model.ckpt-1: not readable as a checkpoint"),
    (
        network("semshare_tight", fixed_sizes=True, input_shape=(64, 64, 3)),
        "image height 64: this network takes 1203 to 1282",
    ),
    (a_pruned_checkpoint, "step 3 was pruned; try again"),
    (a_folder_of_another_alphabet, "a name that is not UTF-8, which TensorFlow's files need; ren"),
    (a_sampler_of_odd_sides, "--sampler: input_size=.64, 64. is no multiple of output_s"),
    (two_checkpoints, "a.tar: 2 checkpoints in it; unpack it and name one prefix"),
    (one_tensor, "w.pth: holds one list, not weights by name; save the network's state_dict"),
    (no_torch_file, "w.pth: no such file; check the path"),
    (no_keras_backbone, "w.h5: no such file"),
]


@on_tensorflow
def test_a_message_from_inside_a_layer_and_a_graph_stays_one_line() -> None:
    import tensorflow as tf

    import roadseg

    network = roadseg.create("fast_scnn", 3)

    @tf.function
    def in_graph(x):
        if tf.reduce_sum(x) > 0:  # what AutoGraph rewrites
            x = x + 1
        return network(x, training=False)

    for call in (network, in_graph):
        with pytest.raises(RoadsegError) as caught:
            call(tf.zeros((1, 33, 64, 3)))
        assert str(caught.value).startswith("image height 33: this network takes multiples of 32; ")
        assert "\n" not in str(caught.value)


@on_tensorflow
@pytest.mark.parametrize(("refused", "message"), REFUSALS)
def test_the_message_is_raised_and_is_one_line(
    refused: Callable[[Path], object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    assert_refused(refused, message, tmp_path)
