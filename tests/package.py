"""The wheel holds what the tree holds, and works where nothing but it is installed: `make package`.

python -m tests.package FOLDER: checks the one wheel and the one source archive in FOLDER, then runs
an example from the wheel in an environment of its own, with the other packages of this one.
"""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

from tests.support import REPOSITORY

FOLDERS = {"research": "roadseg"} | {
    name: f"roadseg/{name}" for name in ("nus_native", "data_conversion", "train", "eval", "export")
}
INSTALLED = (".py", ".pyi", ".yaml", ".sh", ".npz", ".ttf", ".LICENSE", ".typed")
INSTALLED += (".html", ".css", ".js", ".svg")
EXTENSIONS = (".pyx",)
METADATA = ("Author:", "License-Expression:", "Project-URL:", "Classifier:", "Keywords:")
EXTRAS = ("dev", "page", "jax", "torch", "onnx", "litert", "openvino", "cuda")

EXAMPLE = """
import keras, numpy as np, roadseg
assert roadseg.__file__.startswith({root!r}), roadseg.__file__
print("roadseg", roadseg.__version__)

@roadseg.register_model("my_net", size_multiple=8)
def my_net(num_classes, input_shape=(None, None, 3), width: int = 4, include_preprocessing=True):
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(images)
    x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    return keras.Model(images, keras.layers.Conv2D(num_classes, 1)(x), name="my_net")

train = roadseg.dataset("records", split="train", batch_size=2, crop_size=(24, 32))
val = roadseg.dataset("records", split="val", batch_size=1)
network = roadseg.create("my_net", 3)
network.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=roadseg.losses.OhemCrossentropy(ignore=255, min_kept=100),
    metrics=[roadseg.metrics.MeanIoU(num_classes=3, ignore=255)],
)
history = network.fit(train, validation_data=val, steps_per_epoch=2, epochs=1, verbose=0)
network.save("street.keras")
assert np.isfinite(history.history["val_mean_iou"]).all()

recipe = roadseg.get_recipe("fast_seg/bisenet_one_gpu").replace(
    model="my_net", network={{"options": {{"width": 8}}}}, records="records",
    augment={{"crop_size": (24, 32)}}, batch_size=2, steps=2, start={{"initial_weights": "none"}},
    log={{"pictures_every_steps": 0}},
)
run = roadseg.train_recipe(recipe, run="runs/my_net")
result = roadseg.evaluate(run, split="val")
print("mIoU", result.miou, "of road", result.iou["road"])
print("exported to", roadseg.export_model(run))
"""


def main() -> int:
    """Check the folder that the command line names; return 0, or 1 with what is wrong."""
    folder = Path(sys.argv[1])
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    wrong = [*check_wheel(wheel), *check_archive(archive)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as place:
        return run_example(wheel, Path(place))


def tracked() -> list[str]:
    """Return the files of the project, by their paths."""
    command = ["git", "-C", str(REPOSITORY), "ls-files"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def installed_as(path: str) -> str:
    """Return where a file of the project lies in the wheel; '' for one that is not installed."""
    folder, _, rest = path.partition("/")
    return f"{FOLDERS[folder]}/{rest}" if folder in FOLDERS else ""


def check_wheel(wheel: Path) -> list[str]:
    """Return what the wheel lacks, or holds too much; one line each."""
    archive = zipfile.ZipFile(wheel)
    held = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {installed_as(path) for path in tracked() if path.endswith(INSTALLED)} - {""}
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    sources = (path for path in tracked() if path.endswith(EXTENSIONS))
    wanted |= {installed_as(path).removesuffix(".pyx") + suffix for path in sources}
    if not any(f"_ceres{suffix}" in name for name in held):  # Ceres is not on every machine
        wanted = {name for name in wanted if f"_ceres{suffix}" not in name}
    metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
    text = archive.read(metadata).decode("utf-8")
    lines = [f"{wheel.name}: lacks {name}" for name in sorted(wanted - held)]
    lines += [f"{wheel.name}: holds {name}, too" for name in sorted(held - wanted)]
    lines += [f"{wheel.name}: no {field}" for field in METADATA if f"\n{field}" not in text]
    extras = (f"Provides-Extra: {extra}\n" for extra in EXTRAS)
    return lines + [f"{wheel.name}: no {extra.strip()}" for extra in extras if extra not in text]


def check_archive(archive: Path) -> list[str]:
    """Return what the source archive lacks of the project's own files."""
    with tarfile.open(archive) as file:
        held = {name.partition("/")[2] for name in file.getnames()}
    left_out = (".ci/", ".git", "docs/", "tests/")
    wanted = {path for path in tracked() if not path.startswith(left_out)}
    return [f"{archive.name}: lacks {name}" for name in sorted(wanted - held)]


def run_example(wheel: Path, place: Path) -> int:
    """Install the wheel alone in an environment at `place`, run the example; return its status."""
    from tests.front_door import write_splits

    write_splits(place / "records")
    venv.create(place / "venv", with_pip=True)
    python = place / "venv" / "bin" / "python"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([python, *install], check=True)
    # The other packages, without what their folder's .pth files name: this project's own tree.
    others = importlib.util.find_spec("tensorflow")
    assert others is not None and others.origin is not None
    (packages,) = (place / "venv" / "lib").glob("python*/site-packages")
    (packages / "others.pth").write_text(f"{Path(others.origin).parents[1]}\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, "-c", EXAMPLE.format(root=str(place))]
    done = subprocess.run(command, cwd=place, env=environment)
    listed = subprocess.run([python.parent / "roadseg", "--help"], cwd=place, env=environment)
    return done.returncode or listed.returncode


if __name__ == "__main__":
    raise SystemExit(main())
