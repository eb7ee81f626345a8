"""Messages of evaluation and prediction that no other test raises: one line each."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.eval import command, watch
from roadseg.eval.benchmark import confusion, parts, runtimes
from roadseg.eval.command import parse_step
from roadseg.eval.compare import arms
from roadseg.eval.evaluation import check_same_classes
from roadseg.eval.oracle.ceilings import OracleOptions, oracle, target_ids
from roadseg.eval.predict import video
from roadseg.eval.predict.command import predict
from roadseg.eval.predict.options import PredictOptions
from roadseg.eval.predict.sources import Source, found_sources
from roadseg.eval.predict.two_cameras import check_kinds, find_camera_pairs, predict_pairs
from roadseg.eval.protocol_options import ProtocolArguments
from roadseg.eval.report import pictures
from roadseg.eval.report.command import ReportOptions, report
from roadseg.eval.report.data import load_runs
from roadseg.eval.submit.command import SubmitOptions, _entry, _images, check_labels
from roadseg.eval.tasks.density import true_density
from roadseg.inference.class_logits import SavedModelLogits
from roadseg.inference.saved_model import SavedModel
from roadseg.recipe.protocol import Protocol
from tests.data_conversion.support import picture
from tests.eval.runs import TABLE, add_checkpoint, begin_run, recipe, write_records
from tests.support import assert_refused


def a_seed_twice(folder: Path) -> None:
    runs = tuple(
        arms.ArmRun(
            name, begin_run(folder / name, recipe(folder)), recipe(folder), {}, {}, frozenset()
        )
        for name in ("a", "b")
    )
    arms._check_seeds(arms.Arm({"sampling.kind": "none"}, runs))


def a_compiler_that_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion, "LOOP", "no C at all")
    confusion.compiled_loop(folder)


def counts_that_differ(folder: Path) -> None:
    confusion.ratios((16, 16), 1, lambda a, b: np.zeros((1, 1), int))


def films(folder: Path) -> Path:
    write_video(folder / "film.avi")
    return folder / "film.avi"


def write_video(path: Path) -> None:
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 24))
    writer.write(picture(0, (24, 32)))
    writer.release()


def demo_of_a_film(folder: Path) -> None:
    begin_run(folder / "run", recipe(folder))
    images = (films(folder),)
    predict(PredictOptions((folder / "run", *images), to=folder / "to", style="sfsegnets"))


def a_film_for_the_server(folder: Path) -> None:
    images = (films(folder),)
    _images(SubmitOptions(run=folder, images=images, to=folder / "t.zip"))


def lonely_view(folder: Path) -> None:
    find_camera_pairs([Source(folder / "fov60_00001.png", Path("x"))], ("fov120", "fov60"))


def views_of_one_number(folder: Path) -> None:
    names = ("fov60_00001.png", "fov60_1.jpg", "street.jpg")
    find_camera_pairs([Source(folder / name, Path(name)) for name in names], ("fov120", "fov60"))


def tiled_pairs(folder: Path) -> None:
    options = PredictOptions(images=(folder,), shown=ProtocolArguments(tile=32))
    predict_pairs(options, None, [], None)


def resized_pairs(folder: Path) -> None:
    predict_pairs(PredictOptions(images=(folder,), input_height=32), None, [], None)


def sampled_otherwise(folder: Path) -> None:
    result = SimpleNamespace(per_image=[SimpleNamespace(name="a", miou=0.5)], sampler="nus")
    pictures.pictured_images([SimpleNamespace(segmentation=result)], 1)


def frames_of_two_sizes(folder: Path) -> None:
    target = video.VideoTarget(folder / "a.mp4", 10.0)
    with contextlib.closing(SimpleNamespace(close=target.discard)):
        target.add(picture(0, (24, 32)))
        target.add(picture(0, (24, 48)))


def a_film_that_was_cut(folder: Path) -> None:
    target = video.VideoTarget(folder / "a.mp4", 10.0)
    target.add(picture(0, (24, 32)))
    target._release()
    target._aside.write_bytes(b"")
    target._writer = SimpleNamespace(release=lambda: None)
    target.close()


def a_film_without_frames(folder: Path) -> None:
    video._check_length(SimpleNamespace(path=folder / "a.mp4", frames=0), 0)


def a_text_for_a_film(folder: Path) -> None:
    (folder / "a.mp4").write_text("text")
    video.VideoSource(folder / "a.mp4")


def a_text_for_a_picture(folder: Path) -> None:
    (folder / "a.txt").write_text("text")
    found_sources((folder / "a.txt",), folder / "to")


def no_such_part(folder: Path) -> None:
    parts.part_of(SimpleNamespace(name="n", layers=[SimpleNamespace(name="a")]), "x")


def a_frame_smaller_than_the_cells(folder: Path) -> None:
    sampler = SimpleNamespace(cells=(8, 8), target_classes=(), class_weights=(), blur=0.5)
    true_density(sampler, SimpleNamespace(name="a", label=np.zeros((4, 4), np.uint8)), 255)


def a_value_that_is_no_id(folder: Path) -> None:
    table = label_tables.get("cityscapes")
    check_labels("a", np.full((8, 9), 200, np.uint8), (8, 9), table)


def a_film_that_ends_early(folder: Path) -> None:
    video._check_length(SimpleNamespace(path=folder / "a.mp4", frames=100), 3)


def no_such_network(folder: Path) -> None:
    with runtimes.exported("fast_scn", 3, (64, 64), {}):
        pass


def enlarged_twice(folder: Path) -> None:
    export = SavedModel(folder, SimpleNamespace(signatures={}), TABLE, {})
    SavedModelLogits(export, "bicubic")


def flow_of_single_images(folder: Path) -> None:
    begin_run(folder / "run", recipe(folder))
    predict(PredictOptions((folder / "run", films(folder)), to=folder / "to", write=("flow",)))


def a_folder_with_another_file(folder: Path) -> None:
    films(folder)
    (folder / "a.heic").touch()
    found_sources((folder,), folder / "to", strict=True)


def a_film_too_wide_for_its_codec(folder: Path) -> None:
    video.VideoTarget(folder / "a.mp4", 10.0).add(np.zeros((2, 20_000, 3), np.uint8))


def an_image_that_is_gone(folder: Path) -> None:
    pictures._frames(write_records(folder), "val", None, None, ["val0", "gone"])


def results_below_a_file(folder: Path) -> None:
    run = begin_run(folder / "run", recipe(folder))
    (run.path / "evaluation").touch()
    command.main([str(run.path)])


def pictures_below_a_file(folder: Path) -> None:
    (folder / "file").touch()
    run = begin_run(folder / "run", recipe(folder))
    command.main([str(run.path), "--save-predictions", str(folder / "file" / "pictures")])


def a_run_without_its_recipe(folder: Path) -> None:
    run = begin_run(folder / "run", recipe(folder))
    run.checkpoint_folder.mkdir()
    (run.path / "recipe.json").unlink()
    predict(PredictOptions((run.path, films(folder)), to=folder / "to"))


REFUSALS: list[tuple[Callable[[Path], object], str]] = [
    (a_seed_twice, "b: seed 0 of '.*' again, after .*a; leave one of them out"),
    (counts_that_differ, "maps are not counted alike; report this"),
    (lambda _: parse_step("x"), "--step x: give a step"),
    (
        lambda _: Protocol(input_scale=0.5, scales=(0.5, 1.0)),
        "--input-scale 0.5 with --scales: give one",
    ),
    (lambda _: Protocol(input_scale=0.0), "--input-scale 0: a factor above 0"),
    (lambda _: Protocol(input_scale=0.01).sizes((32, 64)), "nothing is left of an image of 32x64"),
    (lambda f: oracle(OracleOptions(f, ("64",), alphas=(2.0,))), "--sampler.alpha 2: above"),
    (a_frame_smaller_than_the_cells, "^a: "),
    (lambda f: predict(PredictOptions((f,), batch_size=0)), "--batch-size 0: at least 1 is"),
    (lambda _: _entry("x", "cityscapes"), "image 'x': the server knows images by city, sequence"),
    (a_value_that_is_no_id, "a: holds 200, which is no label id of 'cityscapes'"),
    (lambda _: target_ids(("moon",), TABLE), "no class 'moon' in '.*'; there are: "),
    (lambda f: check_same_classes(TABLE, label_tables.get("camvid"), f, f), "; give the run's own"),
    (a_film_that_ends_early, "a.mp4: truncated. Only 3 of 100 frames can be read"),
    (no_such_part, "--layers 'x': no layer of n has that in its name; its last are a"),
    (no_such_network, "fast_scn: could not be exported to be timed"),
    (demo_of_a_film, "--style sfsegnets: of images alone; leave it out to label videos"),
    (a_film_for_the_server, "film.avi: a video; the server takes labels of images"),
    (lambda _: check_kinds(["colours"]), "--write colours: of two cameras there are"),
    (views_of_one_number, "2 faults: fov60_1.jpg: fov60_00001.png has the same .*; street.jpg: t"),
    (lonely_view, "fov60_00001.png: the other view of this number is not there"),
    (tiled_pairs, ".*: pairs are shown whole; leave it out"),
    (resized_pairs, "--input-height 32: pairs are shown as they are; leave it out"),
    (lambda _: report(ReportOptions(runs=())), "report: name at least one run folder"),
    (sampled_otherwise, "the images were sampled by 'nus', not by the run's own"),
    (a_text_for_a_picture, "a.txt: neither image nor video by its ending"),
    (a_text_for_a_film, "a.mp4: not a video that OpenCV can read"),
    (frames_of_two_sizes, "a.mp4: a frame of 24x48 in a video of 24x32; cut"),
    (a_film_that_was_cut, "a.mp4: not written whole; is the disk full"),
    (a_film_without_frames, "a.mp4: no frame can be read; is the file whole"),
    (enlarged_twice, ": an export has upsampled its logits already, bilinearly; give the run"),
    (flow_of_single_images, "--write flow, sharing: of runs of two cameras only; leave them out"),
    (a_folder_with_another_file, "a.heic.*; mend this, or leave --strict out"),
    (a_film_too_wide_for_its_codec, "a.mp4: OpenCV cannot write this video .codec mp4v."),
    (an_image_that_is_gone, "'gone' was evaluated and is not in the records"),
    (a_run_without_its_recipe, "run: checkpoints and no recipe.json, which says what they are of"),
    (results_below_a_file, "evaluation: cannot write here .*; change RUN"),
    (pictures_below_a_file, "pictures: cannot write here .*; change --save-predictions"),
    (lambda folder: load_runs([folder]), "no run here .no recipe.json.; give a run folder"),
]


@pytest.mark.parametrize(("refused", "message"), REFUSALS)
def test_the_message_is_raised_and_is_one_line(
    refused: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    assert_refused(refused, message, tmp_path)


def test_a_checkpoint_that_goes_before_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin_run(tmp_path / "run", recipe(write_records(tmp_path / "records")))
    add_checkpoint(run, 3)
    monkeypatch.setattr(watch, "evaluate_and_store", lambda *_: None)
    with pytest.raises(RoadsegError, match="step 3 was pruned before it could be read; run"):
        command.main([str(run.path)])


def test_what_a_compiler_says_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RoadsegError, match="loop.c") as caught:
        a_compiler_that_fails(tmp_path, monkeypatch)
    assert "\n" not in str(caught.value)
