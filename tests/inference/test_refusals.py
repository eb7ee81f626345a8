"""Messages of inference that no other test raises: one line each."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import roadseg
from roadseg.inference import saved_model
from roadseg.inference.inference import Inference
from roadseg.inference.saved_model import SavedModel, read_saved_model
from roadseg.runs import load
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.run_folder import RunFolder
from tests.eval.small_runs import RECIPE, TABLE
from tests.support import assert_refused


def logits_of_labels(folder: Path) -> None:
    labels = {"labels": lambda images: keras.ops.zeros(images.shape[:3], "int32")}
    inference = Inference(None, TABLE, outputs=labels, title="x")
    inference.predict_logits(np.zeros((8, 9, 3), np.uint8))


def export(card: object) -> Callable[[Path], object]:
    """Return what reads an export with this model card; None for no card at all."""

    def run(folder: Path) -> object:
        (folder / "saved_model.pb").touch()
        if card is not None:
            (folder / "model_card.json").write_text(json.dumps(card))
        return read_saved_model(folder)

    return run


def an_export_without_signatures(folder: Path) -> None:
    SavedModel(folder, SimpleNamespace(signatures={}), TABLE, {}).outputs()


def an_export_on_another_backend(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model, "tensorflow", lambda: None)
        export({"label_table": json.loads(TABLE.to_json())})(folder)


def a_network_of_no_maps(folder: Path) -> None:
    images = keras.Input((8, 8, 3))
    keras.Model(images, keras.layers.GlobalAveragePooling2D()(images)).save(folder / "n.keras")
    roadseg.load(folder / "n.keras")


def a_run_of_two_cameras(folder: Path) -> None:
    recipe = RECIPE.replace(task="two_cameras", model="semshare_tight", sampling={"kind": "none"})
    run = RunFolder(folder / "run")
    run.begin(recipe, TABLE)
    write_checkpoint(run.checkpoint_folder, 1, {"weights": {}}, {})
    roadseg.load(run.path)


def saved(folder: Path, change: Callable[[dict], object] = lambda layer: None) -> Path:
    """Return a `.keras` file of one convolution, whose entry in it `change` may alter."""
    images = keras.Input((8, 8, 3))
    keras.Model(images, keras.layers.Conv2D(3, 1)(images)).save(folder / "whole.keras")
    path = folder / "n.keras"
    with zipfile.ZipFile(folder / "whole.keras") as whole, zipfile.ZipFile(path, "w") as altered:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"]["layers"][1])
                content = json.dumps(config).encode()
            altered.writestr(name, content)
    return path


def calling(module: str, name: str) -> Callable[[Path], None]:
    """Return what loads a network whose layer is a function that would write a file."""

    def run(folder: Path) -> None:
        ran = folder / "ran"
        named = {"module": module, "class_name": name, "registered_name": name}
        path = saved(folder, lambda layer: layer.update(named, config={"command": f"touch {ran}"}))
        try:
            roadseg.load(path)
        finally:
            assert not ran.exists()

    return run


def a_network_with_python_in_it(folder: Path) -> None:
    ran, images = folder / "ran", keras.Input((8, 8, 3))
    text = str(ran)
    layer = keras.layers.Lambda(lambda x: (open(text, "w").close(), x)[1])
    model = keras.Model(images, layer(images))
    ran.unlink(missing_ok=True)
    model.save(folder / "n.keras")
    ran.unlink(missing_ok=True)
    try:
        roadseg.load(folder / "n.keras")
    finally:
        assert not ran.exists()


def a_network_that_fills_memory(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "LARGEST_KERAS_FILE", 1000)
        patch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("unpacked"))
        roadseg.load(saved(folder))


def a_network_that_leaves_its_folder(folder: Path) -> None:
    path = saved(folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/../../evil.txt", "text")
    roadseg.load(path)


def a_network_cut_short(folder: Path) -> None:
    path = saved(folder)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") :][:4] = b"none"
    content[content.index(b"PK\1\2")] = 0
    path.write_bytes(bytes(content))
    roadseg.load(path)


REFUSALS: list[tuple[Callable[[Path], object], str]] = [
    (logits_of_labels, "x: gives labels alone, no logits; export the run again"),
    (export(None), "model_card.json: no model card, so no class names; export the run again"),
    (export({}), "model_card.json: no label table in it; export the run again"),
    (an_export_without_signatures, "no signature 'serving_default'; export the run again"),
    (an_export_on_another_backend, "TensorFlow runs such files; set KERAS_BACKEND=tensorflow"),
    (a_network_of_no_maps, "n.keras: no network from single images to class logits; label with"),
    (calling("os", "system"), "n.keras: not a .keras file of a network"),
    (calling("subprocess", "Popen"), "n.keras: not a .keras file of a network"),
    (calling("builtins", "eval"), "n.keras: not a .keras file of a network"),
    (a_network_with_python_in_it, "n.keras: not a .keras file of a network .* `Lambda` layer"),
    (a_network_that_fills_memory, "n.keras: unpacks to .* bytes, 1,000 at most are read"),
    (a_network_that_leaves_its_folder, "n.keras: 'assets/../../evil.txt' in it leads out of its"),
    (a_network_cut_short, "n.keras: damaged .*; copy the file again"),
    (a_run_of_two_cameras, "run: labels pairs of images; `roadseg predict` takes it"),
]


@pytest.mark.parametrize(("refused", "message"), REFUSALS)
def test_the_message_is_raised_and_is_one_line(
    refused: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    assert_refused(refused, message, tmp_path)
