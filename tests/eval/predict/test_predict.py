"""`roadseg predict`: what is written, under which names, and what bad input does."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import roadseg.label_tables as datasets
from roadseg.drawing.pictures import KINDS, overlay_with_legend, pictures, to_label_ids, write_png
from roadseg.errors import RoadsegError
from roadseg.eval.predict import command
from roadseg.eval.predict.sources import find_sources, read_picture
from roadseg.eval.predict.video import VideoSource, label_video
from roadseg.inference.inference import Inference
from roadseg.runs.load import inference_of_run
from tests.eval.small_runs import RECIPE, TABLE, small_run


def brightness_inference() -> Inference:
    """Return what takes dark pixels for road, mid ones for cars and bright ones for people."""
    import tensorflow as tf

    outputs = {
        "labels": lambda images: tf.cast(tf.reduce_mean(images, -1) // 86.0, tf.int32),
        "locations": lambda images: tf.tile(
            tf.constant([[[0.0, 0.0], [1.0, 1.0]]]), [tf.shape(images)[0], 1, 1]
        ),
    }
    return Inference(None, TABLE, outputs=outputs, title="brightness")


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the run `run` of the current folder label by brightness."""
    monkeypatch.chdir(tmp_path)
    small_run(Path("run"))
    monkeypatch.setattr(command, "inference_with_sampler", lambda *_: brightness_inference())


def write_image(path: Path, size: tuple[int, int] = (30, 40), value: int = 200) -> np.ndarray:
    image = np.full((*size, 3), value, np.uint8)
    image[: size[0] // 2] = 10
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return image


def run_predict(images: Path, to: Path, *more: str) -> int:
    return command.main(["run", "--images", str(images), "--to", str(to), *more])


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_image_becomes_four_pictures(tmp_path: Path, bright: None) -> None:
    write_image(tmp_path / "street.png")
    assert run_predict(tmp_path / "street.png", tmp_path / "out") == 0
    kinds = ("labels", "colour", "overlay", "sampling")
    assert names(tmp_path / "out") == {f"street_{kind}.png" for kind in kinds}
    labels = cv2.imread(str(tmp_path / "out/street_labels.png"), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (30, 40) and set(labels[:15].ravel()) == {0}
    assert set(labels[15:].ravel()) == {2}
    colour = cv2.imread(str(tmp_path / "out/street_colour.png"))[..., ::-1]
    assert tuple(colour[29, 0]) == TABLE.colours[2]


def test_subfolders_are_kept_and_equal_stems_stay_apart(tmp_path: Path, bright: None) -> None:
    write_image(tmp_path / "in/city/a.png", value=200)
    write_image(tmp_path / "in/city/a.jpg", value=100)
    write_image(tmp_path / "in/a.png")
    assert run_predict(tmp_path / "in", tmp_path / "out", "--write", "labels") == 0
    wanted = {"a_labels.png", "city/a.png_labels.png", "city/a.jpg_labels.png"}
    assert names(tmp_path / "out") == wanted
    from_jpeg = cv2.imread(str(tmp_path / "out/city/a.jpg_labels.png"), cv2.IMREAD_UNCHANGED)
    assert from_jpeg[-1, -1] == 1


def test_names_that_differ_in_case_alone_stay_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_image(tmp_path / folder / "a.png")
    sources = find_sources([tmp_path / "one/a.png", tmp_path / "two/a.png"], tmp_path / "out")
    assert len({str(source.name).casefold() for source in sources}) == 2


def test_results_of_an_earlier_call_are_not_labelled_again(tmp_path: Path, bright: None) -> None:
    write_image(tmp_path / "in/a.png")
    for _ in range(2):
        assert run_predict(tmp_path / "in", tmp_path / "in/out", "--write", "colour") == 0
    assert names(tmp_path / "in/out") == {"a_colour.png"}


def test_results_among_their_sources_are_refused(tmp_path: Path, bright: None) -> None:
    write_image(tmp_path / "a.png")
    with pytest.raises(RoadsegError, match="choose another --to"):
        run_predict(tmp_path, tmp_path)


def test_images_of_one_size_go_through_the_network_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference, shapes = brightness_inference(), []

    def counted(images: np.ndarray):
        shapes.append(images.shape)
        return inference(images)

    counted.label_table, counted.title = TABLE, "counted"  # type: ignore[attr-defined]
    monkeypatch.setattr(command, "inference_with_sampler", lambda *_: counted)
    monkeypatch.chdir(tmp_path)
    small_run(Path("run"))
    for index in range(3):
        write_image(tmp_path / f"in/a{index}.png")
    write_image(tmp_path / "in/b.png", size=(21, 33))
    assert run_predict(tmp_path / "in", tmp_path / "out", "--batch-size", "2") == 0
    assert shapes == [(2, 30, 40, 3), (1, 30, 40, 3), (1, 21, 33, 3)]


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_truncated_image_is_named(tmp_path: Path, bright: None, ending: str) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / f"in/b.{ending}"
    path.parent.mkdir()
    cv2.imwrite(str(path), rng.integers(0, 255, (60, 60, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(
        RoadsegError, match=rf"b\.{ending}: (truncated PNG|not a whole image)"
    ) as caught:
        run_predict(tmp_path / "in", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_keep_going_labels_the_rest_and_fails_at_the_end(
    tmp_path: Path, bright: None, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "in/a.png")
    write_image(tmp_path / "in/c.png")
    (tmp_path / "in/b.png").write_bytes(b"no image")
    assert run_predict(tmp_path / "in", tmp_path / "out", "--keep-going", "--write", "labels") == 1
    assert names(tmp_path / "out") == {"a_labels.png", "c_labels.png"}
    assert "b.png: not a whole image" in capsys.readouterr().err


def test_a_missing_path_and_an_empty_folder_are_refused(tmp_path: Path, bright: None) -> None:
    with pytest.raises(RoadsegError, match=r"nowhere: no such file or folder"):
        run_predict(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RoadsegError, match="no image and no video"):
        run_predict(tmp_path / "empty", tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--images", "a.png", "--saved-model", "x", "--model", "y"], "give one of the two"),
        (["run", "a.png", "--model", "dabnet/cityscapes"], "run: a run, beside --model"),
        (["run", "a.png", "--saved-model", "x"], "run: a run, beside --saved-model"),
        (["run", "a.png", "--weights-folder", "x"], "run holds its own weights"),
        (["run"], "nothing to label"),
        ([], "nothing to label"),
        (["absent", "--images", "a.png"], "absent: no run here"),
        (["absent.png"], r"absent\.png: no such file or folder"),
        (["a.png", "--model", "dabnet/citys"], "no preset 'dabnet/citys'; did you mean dabnet/"),
        (["a.png", "--model", "dabnet/cityscapes", "--step", "3"], "leave step 3 out"),
        (["a.png", "--model", "dabnet/cityscapes", "--sampler", "uniform"], "--sampler: of a run"),
        (
            ["a.png", "--model", "deeplabv3_mobilenet_v2/pascal-backbone"],
            r"labels nothing yet; .* --start\.initial-weights \S+ --start\.part backbone",
        ),
    ],
)
def test_words_that_contradict_each_other_are_refused(
    tmp_path: Path, bright: None, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "a.png")
    with pytest.raises(RoadsegError, match=message) as refused:
        command.main(words)
    assert "\n" not in str(refused.value) and names(tmp_path) >= {"a.png"}


def test_a_run_takes_its_images_as_plain_words(tmp_path: Path, bright: None) -> None:
    write_image(tmp_path / "in/a.png")
    write_image(tmp_path / "b.png")
    assert command.main(["run", "in", "b.png", "--to", "out", "--write", "labels"]) == 0
    assert names(tmp_path / "out") == {"a_labels.png", "b_labels.png"}


def test_a_model_by_name_labels_as_roadseg_load_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import roadseg
    from roadseg.weights import fetch
    from tests.support import shared_folder

    monkeypatch.delenv(fetch.MIRROR, raising=False)
    monkeypatch.chdir(tmp_path)
    mirror = shared_folder("weights")
    write_image(Path("in/a.png"), size=(45, 70))
    write_video(Path("in/drive.mp4"), frames=2)
    name = "dabnet/cityscapes"
    words = ["in", "--weights-folder", str(mirror), "--to", "out", "--model", name]
    assert command.main([*words, "--write", "labels"]) == 0
    frames = {f"drive_labels/frame-00000{number}.png" for number in range(2)}
    assert names(Path("out")) == {"a_labels.png"} | frames
    written = cv2.imread("out/a_labels.png", cv2.IMREAD_UNCHANGED)
    wanted = roadseg.load(name, weights_folder=mirror).predict_labels("in/a.png")
    np.testing.assert_array_equal(written, wanted)
    with pytest.raises(RoadsegError, match=r"--input-scale 0\.5: .* at a height of 512"):
        command.main([*words[:-1], "espnet_c_p2_q3/cityscapes", "--input-scale", "0.5"])


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png")
    with pytest.raises(RoadsegError, match="no export in it"):
        command.main(["--saved-model", str(tmp_path), "--images", str(tmp_path / "a.png")])


def test_a_failed_write_leaves_nothing_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RoadsegError, match="the disk is full"):
        write_png(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    assert names(tmp_path) == set()


def test_grey_palette_and_sixteen_bit_images_become_rgb(tmp_path: Path) -> None:
    from PIL import Image

    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    Image.fromarray(ramp).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(ramp.astype(np.uint16) * 256).save(tmp_path / "deep.png")
    for name in ("grey", "palette", "deep"):
        picture = read_picture(tmp_path / f"{name}.png")
        assert picture.dtype == np.uint8
        np.testing.assert_array_equal(picture, np.repeat(ramp[..., None], 3, 2), err_msg=name)


def test_label_ids_replace_train_ids_on_request() -> None:
    table = datasets.get("cityscapes")
    np.testing.assert_array_equal(to_label_ids(np.array([0, 11, 18, 255]), table), [7, 24, 33, 0])


def test_the_legend_lies_below_the_overlay_and_names_what_occurs() -> None:
    image = np.full((120, 320, 3), 90, np.uint8)
    labels = np.zeros((120, 320), np.int32)
    picture = overlay_with_legend(image, labels, TABLE)
    assert picture.shape[1:] == (320, 3) and picture.shape[0] > 120
    strip = picture[120:].reshape(-1, 3)
    assert (strip == TABLE.colours[0]).all(1).any()
    assert not (strip == TABLE.colours[2]).all(1).any()


def test_sampling_points_are_drawn_where_they_are() -> None:
    image = np.zeros((41, 81, 3), np.uint8)
    labels = np.zeros((41, 81), np.int32)
    made = pictures(image, labels, np.array([[0.5, 0.25]]), TABLE, ["sampling"])
    lit = np.argwhere(made["sampling"].sum(-1) > 300)
    np.testing.assert_allclose(lit.mean(0), [20, 20], atol=0.3)
    assert "sampling" not in pictures(image, labels, None, TABLE, ["sampling"])


def write_video(path: Path, frames: int = 12, size: tuple[int, int] = (36, 48)) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 12.5, size[::-1])
    for index in range(frames):
        writer.write(np.full((*size, 3), 40 + index * 10, np.uint8))
    writer.release()


def test_a_video_becomes_videos_of_the_same_rate_and_length(tmp_path: Path, bright: None) -> None:
    write_video(tmp_path / "drive.mp4")
    assert run_predict(tmp_path / "drive.mp4", tmp_path / "out") == 0
    kinds = ("colour", "overlay", "sampling")
    assert names(tmp_path / "out") == {f"drive_{kind}.mp4" for kind in kinds}
    for kind in kinds:
        video = VideoSource(tmp_path / f"out/drive_{kind}.mp4")
        assert (video.rate_hz, video.frames, len(list(video.pictures()))) == (12.5, 12, 12)


def test_label_maps_of_a_video_are_lossless_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "drive.mp4", frames=3)
    label_video(tmp_path / "drive.mp4", tmp_path / "out/drive", brightness_inference(), ["labels"])
    wanted = {f"drive_labels/frame-00000{index}.png" for index in range(3)}
    assert names(tmp_path / "out") == wanted


def test_a_video_that_is_none_is_named_and_leaves_nothing(tmp_path: Path, bright: None) -> None:
    (tmp_path / "drive.mp4").write_bytes(b"no video at all")
    with pytest.raises(RoadsegError, match=r"drive\.mp4: not a video"):
        run_predict(tmp_path / "drive.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_video_leaves_nothing_under_its_name(tmp_path: Path) -> None:
    write_video(tmp_path / "drive.mp4")
    inference, calls = brightness_inference(), []

    def failing(images: np.ndarray):
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return inference(images)

    failing.label_table = TABLE  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        label_video(tmp_path / "drive.mp4", tmp_path / "out/drive", failing, ["overlay"])
    assert names(tmp_path / "out") == set()


def test_a_run_labels_images_of_any_size_and_tells_where_it_looked(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", RECIPE.replace(sampling={"kind": "nus"}))
    inference = inference_of_run(run)
    images = np.random.default_rng(0).integers(0, 255, (2, 51, 67, 3), np.uint8)
    found = inference(images)
    labels, points = found.labels, found.locations
    assert labels.shape == (2, 51, 67) and set(np.unique(labels)) <= {0, 1, 2}
    assert points is not None and points.shape[0] == 2 and points.shape[2] == 2
    assert points.min() >= 0 and points.max() <= 1
    alone = inference.predict_labels(images[1:])
    assert (alone[0] == labels[1]).mean() > 0.99


def test_an_exported_model_labels_as_its_run_does(tmp_path: Path) -> None:
    from roadseg.export import command as export

    run = small_run(tmp_path / "run")
    assert not export.main([str(run.path), "--to", str(tmp_path / "model")])
    rng = np.random.default_rng(1)
    images = tmp_path / "in"
    images.mkdir()
    cv2.imwrite(str(images / "a.png"), rng.integers(0, 255, (50, 70, 3), np.uint8))
    saved_model = ["--saved-model", str(tmp_path / "model")]
    for place, source in (("ours", [str(run.path)]), ("theirs", saved_model)):
        argv = [*source, "--images", str(images), "--to", str(tmp_path / place)]
        assert command.main(argv) == 0
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert names(ours) == names(theirs) == {f"a_{kind}.png" for kind in KINDS}
    for kind in KINDS:
        same = cv2.imread(str(ours / f"a_{kind}.png")) == cv2.imread(str(theirs / f"a_{kind}.png"))
        assert same.mean() > 0.99, kind
