"""`roadseg submit`: what is in the zip, and what is refused before one is written."""

import zipfile
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from PIL import Image

from roadseg import cli, label_tables
from roadseg.errors import RoadsegError
from roadseg.eval.submit.command import check_labels
from roadseg.models.registry import MODELS, ModelSpec
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.load import inference_of_run
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from tests.eval.runs import TABLE, add_checkpoint, begin_run, recipe, street, write_records
from tests.examples import example_values, serialized
from tests.inference import published_averaging as published

CITYSCAPES = label_tables.get("cityscapes")
# Published train id to label id, written out once more.
LABEL_IDS = np.array([7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33])
NAMES = ("berlin_000000_000019", "munich_000001_000019")
SMALL = ("--full-size", "48x64", "--count", "2")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run of 19 classes whose network enlarges its logits in its last step."""
    folder = tmp_path_factory.mktemp("submit")
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        changes = {"model": "strided", "network.options": {}, "network.evaluation_options": {}}
        run = begin_run(
            folder / "run", recipe(folder, sampling={"kind": "none"}, **changes), CITYSCAPES
        )
        keras.utils.set_random_seed(0)
        weights = variable_arrays(build_network(run.recipe, run.num_outputs))
        write_checkpoint(run.checkpoint_folder, 1, {"weights": weights}, {})
    return run


def register(patch: pytest.MonkeyPatch) -> None:
    def strided(num_classes: int) -> keras.Model:
        return published.network(num_classes)

    patch.setitem(MODELS, "strided", ModelSpec(strided, parameters=0, size_multiple=4))


@pytest.fixture(autouse=True)
def strided_network(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder of two test images, in a folder for each city."""
    for seed, name in enumerate(NAMES):
        folder = tmp_path / "test" / name.partition("_")[0]
        folder.mkdir(parents=True)
        image = street(seed)[0]
        assert cv2.imwrite(str(folder / f"{name}_leftImg8bit.png"), image[..., ::-1])
    return tmp_path / "test"


def submit(run: RunFolder, to: Path, *options: str | Path) -> int:
    return cli.main(["submit", str(run.path), "--to", str(to), *map(str, options)])


def contents(archive: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        found = {name: np.frombuffer(opened.read(name), np.uint8) for name in opened.namelist()}
    return {name: cv2.imdecode(png, cv2.IMREAD_UNCHANGED) for name, png in found.items()}


def test_every_image_has_a_map_of_label_ids_at_full_size(
    run: RunFolder, images: Path, tmp_path: Path
) -> None:
    assert submit(run, tmp_path / "test.zip", "--images", images, *SMALL) == 0
    found = contents(tmp_path / "test.zip")
    assert set(found) == {f"{name}_leftImg8bit.png" for name in NAMES}
    inference = inference_of_run(run)
    for seed, name in enumerate(NAMES):
        labels = inference.predict_labels(street(seed)[0])
        ids = found[f"{name}_leftImg8bit.png"]
        assert ids.dtype == np.uint8 and ids.shape == (48, 64) and len(np.unique(ids)) > 2
        np.testing.assert_array_equal(ids, LABEL_IDS[labels])


def test_records_give_the_same_maps(run: RunFolder, images: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    records = write_records(tmp_path / "records", 0, "test", CITYSCAPES)
    with tf.io.TFRecordWriter(str(records / "test-00000-of-00001.tfrecord")) as writer:
        for seed, name in enumerate(NAMES):
            void = np.full((48, 64), 255, np.uint8)
            writer.write(serialized(example_values(street(seed)[0], void, name)))
    for to, source in (("a.zip", ("--images", images)), ("b.zip", ("--records", records))):
        assert submit(run, tmp_path / to, *source, *SMALL) == 0
    from_images, from_records = contents(tmp_path / "a.zip"), contents(tmp_path / "b.zip")
    assert set(from_records) == {f"{name}.png" for name in NAMES}
    for name in NAMES:
        np.testing.assert_array_equal(
            from_records[f"{name}.png"], from_images[f"{name}_leftImg8bit.png"]
        )


def test_scales_tiles_and_mirror_reach_the_submission(
    run: RunFolder, images: Path, tmp_path: Path
) -> None:
    from roadseg.recipe.protocol import Protocol

    more = "--averaging sfsegnets --tile 16 --scales 0.5 1 1.5 --flip".split()
    assert submit(run, tmp_path / "test.zip", "--images", images, *SMALL, *more) == 0
    mode = Protocol(tile=16, scales=(0.5, 1.0, 1.5), flip=True, averaging="sfsegnets")
    labels = inference_of_run(run, protocol=mode).predict_labels(street(0)[0])
    found = contents(tmp_path / "test.zip")[f"{NAMES[0]}_leftImg8bit.png"]
    np.testing.assert_array_equal(found, LABEL_IDS[labels])


@pytest.mark.parametrize("input_size", ["48x64", "24x32"])
def test_the_form_of_sgcpnet_resizes_first_and_enlarges_bicubically(
    run: RunFolder, images: Path, tmp_path: Path, input_size: str
) -> None:
    more = ("--format", "sgcpnet", "--input-size", input_size)
    to = tmp_path / "test_result.zip"
    assert submit(run, to, "--images", images, "--full-size", "96x128", "--count", "2", *more) == 0
    found = contents(to)
    assert list(found) == [f"test_result/{name}.png" for name in NAMES]
    raw = published.raw_of(run.load_network(1))
    height, width = map(int, input_size.split("x"))
    for seed, name in enumerate(NAMES):
        picture = Image.fromarray(street(seed)[0])
        shown = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
        logits = raw(published.normalised(shown))
        logits = cv2.resize(logits, (128, 96), interpolation=cv2.INTER_CUBIC)
        expected = LABEL_IDS[logits.argmax(-1)]
        assert (found[f"test_result/{name}.png"] == expected).mean() > 0.999


def test_equal_maps_give_equal_files(run: RunFolder, images: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        assert submit(run, tmp_path / name, "--images", images, *SMALL) == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--full-size", "48x64"), "2 images where the server wants 1525; .* say --count 2"),
        (("--count", "2"), "a label map of 48x64 where the server wants 1024x2048"),
        ((*SMALL, "--input-size", "24x32"), "--input-size 24x32: of --format sgcpnet"),
        ((*SMALL, "--format", "sgcpnet", "--flip"), "flip: --format sgcpnet shows whole"),
        (("--count", "2", "--full-size", "big"), "--full-size big: give height x width"),
    ],
)
def test_what_does_not_fit_is_one_error_and_no_file(
    run: RunFolder,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    import re

    assert submit(run, tmp_path / "out" / "test.zip", "--images", images, *options) == 2
    assert re.search(f"error: .*{message}", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_run_of_other_classes_is_refused(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = begin_run(tmp_path / "other", recipe(tmp_path, sampling={"kind": "none"}), TABLE)
    add_checkpoint(other, 1)
    assert submit(other, tmp_path / "test.zip", "--images", images, *SMALL) == 2
    assert "trained on the 4 classes of 'toy'; the server takes the 19" in capsys.readouterr().err


def test_images_that_the_server_does_not_know_are_refused(
    run: RunFolder, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = next(images.rglob("berlin*.png"))
    first.rename(images / "holiday.png")
    assert submit(run, tmp_path / "test.zip", "--images", images, *SMALL) == 2
    assert "image 'holiday': the server knows images by city" in capsys.readouterr().err


def test_two_images_of_one_name_are_refused(
    run: RunFolder, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = sorted(images.rglob("*.png"))
    second.unlink()
    (images / "again").mkdir()
    (images / "again" / first.name).write_bytes(first.read_bytes())
    assert submit(run, tmp_path / "test.zip", "--images", images, *SMALL) == 2
    assert f"{first.name}: two images of that name" in capsys.readouterr().err


@pytest.mark.parametrize("sources", [(), ("--images", "a", "--records", "b")])
def test_images_or_records_are_needed_and_not_both(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], sources: tuple[str, ...]
) -> None:
    assert submit(run, tmp_path / "test.zip", *sources) == 2
    assert "give --images or --records, one of the two" in capsys.readouterr().err


def test_a_full_disk_leaves_the_file_of_before(
    run: RunFolder,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    to = tmp_path / "out" / "test.zip"
    to.parent.mkdir()
    to.write_bytes(b"before")
    monkeypatch.setattr("os.fsync", full)
    assert submit(run, to, "--images", images, *SMALL) == 2
    assert f"{to}: not written, the disk is full" in capsys.readouterr().err
    assert list(to.parent.iterdir()) == [to] and to.read_bytes() == b"before"


def test_a_map_with_an_id_that_does_not_exist_is_refused() -> None:
    good = np.array([[7, 33], [0, 11]], np.uint8)
    check_labels("a.png", good, (2, 2), CITYSCAPES)
    with pytest.raises(RoadsegError, match="a.png: holds 193, which is no label id"):
        check_labels("a.png", good + 193, (2, 2), CITYSCAPES)
