"""Another sampler at inference than in training: by name, by run, and by the last labels."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.compare.command import main as compare
from roadseg.eval.cuts import CutDetector, changed_share, thumbnail
from roadseg.eval.evaluation import Evaluation, evaluate
from roadseg.eval.job import EvaluationOptions
from roadseg.eval.predict import command as predict_command
from roadseg.eval.predict.command import inference_with_sampler
from roadseg.eval.previous import PreviousFrames
from roadseg.eval.replaced import SamplerArguments
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.watch import evaluate_and_store
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder
from roadseg.sampling import PreviousSampler
from tests.eval.runs import add_checkpoint, begin_run, recipe, street, write_records
from tests.eval.sampler_runs import density_run, prior_run, run_behind


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records"), count=3)


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory, records: Path) -> RunFolder:
    return prior_run(tmp_path_factory.mktemp("runs") / "lower", records)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, records: Path) -> RunFolder:
    """Return a segmentation run behind a density sampler."""
    sampler = density_run(tmp_path_factory.mktemp("density"), records, sampler={"classes": (3,)})
    return run_behind(tmp_path_factory.mktemp("behind") / "run", sampler, "density")


@pytest.fixture(scope="module")
def frames(run: RunFolder) -> PreviousFrames:
    """Return what samples frames by the labels before them, traced once; `begin` it anew."""
    sampler = SamplerArguments("previous").load(run)
    return PreviousFrames(run.load_segmenter(sampler=sampler))


def scored(run: RunFolder, **values) -> SegmentationResult:
    found = evaluate(run, EvaluationOptions(sampling=SamplerArguments(**values)))
    assert isinstance(found, SegmentationResult)
    return found


def test_another_sampler_labels_as_the_network_behind_it_does(
    run: RunFolder, prior: RunFolder
) -> None:
    own, uniform = scored(run), scored(run, sampler="uniform")
    fixed = scored(run, sampler_run=prior.path)
    assert len({json.dumps(one.confusion) for one in (own, uniform, fixed)}) == 3
    assert (own.sampler, uniform.sampler, fixed.sampler) == ("", "uniform", "prior-lower")


def test_a_run_s_own_sampler_may_be_named(run: RunFolder) -> None:
    own, named = run.load_sampler(), SamplerArguments("density").load(run)
    image, size = street(0)[0][None], (16, 16)
    np.testing.assert_array_equal(named.grid(image, size), own.grid(image, size))


def test_results_of_another_sampler_have_a_folder_and_are_never_best(
    run: RunFolder, prior: RunFolder
) -> None:
    folders = []
    for values in ({"sampler": "uniform"}, {"sampler": "prior", "sampler_run": prior.path}):
        evaluation = Evaluation(run, EvaluationOptions(sampling=SamplerArguments(**values)))
        assert evaluate_and_store(evaluation, 30) is not None
        folders.append(evaluation.folder.name)
    assert folders == ["val-cityscapes-by-uniform", "val-cityscapes-by-prior-lower"]
    assert not (run.path / "best.json").exists()
    events = [event for event in run.read_metrics() if event.get("event") == "evaluation"]
    assert [event["sampler"] for event in events] == ["uniform", "prior-lower"]
    with pytest.raises(RoadsegError, match="not evaluated on a whole split"):
        compare([str(run.path), str(_second(run))])


def _second(run: RunFolder) -> Path:
    import shutil

    other = run.path.with_name("second")
    if not other.exists():
        shutil.copytree(run.path, other)
    return other


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sampler": "nus"}, "--sampler nus: give its run by --sampler-run"),
        ({"sampler": "exact"}, "--sampler exact: it needs true labels"),
        ({"sampler": "even"}, "--sampler even: no such sampler; choose from uniform, prior, "),
        ({"sampler": "Prior"}, "--sampler Prior: no such sampler; choose from uniform, prior, "),
        (
            {"sampler": "uniform", "sampler_run": "prior"},
            "--sampler-run .*lower: sampler 'uniform' needs no run; leave it out",
        ),
        ({"sampler_run": Path("nowhere")}, "--sampler-run nowhere: no run there"),
        ({"sampler": "density", "sampler_run": "prior"}, "its sampler is 'prior', not 'density'"),
    ],
)
def test_samplers_that_do_not_fit_are_refused(
    run: RunFolder, prior: RunFolder, values: dict, message: str
) -> None:
    if values.get("sampler_run") == "prior":
        values = values | {"sampler_run": prior.path}
    with pytest.raises(RoadsegError, match=message):
        Evaluation(run, EvaluationOptions(sampling=SamplerArguments(**values)))


def test_runs_without_sampling_and_samplers_themselves_are_refused(
    tmp_path: Path, records: Path, prior: RunFolder
) -> None:
    plain = begin_run(tmp_path / "plain", recipe(records, sampling={"kind": "none"}))
    sampling = SamplerArguments("uniform")
    with pytest.raises(RoadsegError, match="plain was trained on whole images, without sampling"):
        Evaluation(plain, EvaluationOptions(sampling=sampling))
    with pytest.raises(RoadsegError, match="learns sampling densities; leave it out"):
        Evaluation(prior, EvaluationOptions(sampling=sampling))


def test_later_frames_are_sampled_by_the_labels_before_them(
    run: RunFolder, frames: PreviousFrames
) -> None:
    own = run.load_sampler()
    segmenter = frames._segmenter
    sampler = segmenter.sampler
    assert isinstance(sampler, PreviousSampler)
    assert (sampler.strength, sampler.target_classes) == (own.strength, (3,))
    frames.begin()
    images = [street(seed)[0] for seed in (0, 0, 0)]
    labels, points = zip(*(frames(image) for image in images), strict=True)
    by_network = np.asarray(own.grid(images[0][None], segmenter.size))
    np.testing.assert_allclose(points[0], by_network, atol=1e-6)
    # The labels are smaller than 4 pixels a cell: they are not reduced.
    by_labels = np.asarray(sampler.grid_of_labels(labels[0][None], segmenter.size, ignore=None))
    np.testing.assert_allclose(points[1], by_labels, atol=1e-5)
    assert np.abs(points[1] - points[0]).max() > 1e-3
    assert (frames.frames, frames.first_frames) == (3, 1)
    frames(255 - images[0])
    assert frames.first_frames == 2, "a frame after a cut is sampled by the network"
    frames.begin()
    np.testing.assert_allclose(frames(images[0])[1], points[0], atol=1e-6)


def test_windows_are_sampled_by_their_own_part_of_the_labels(run: RunFolder) -> None:
    sampler = SamplerArguments("previous").load(run)
    segmenter = run.load_segmenter(sampler=sampler)
    segmenter.window = (48, 32)
    frames = PreviousFrames(segmenter)
    image = street(1)[0]
    for _ in range(2):
        labels, points = frames(image)
    assert labels.shape == (48, 64) and points.shape == (2, 16, 16, 2)
    assert points[0][..., 1].max() < 0.6 < 0.9 < points[1][..., 1].max()


def test_an_evaluation_by_last_labels_is_that_of_the_frames_in_order(
    run: RunFolder, frames: PreviousFrames
) -> None:
    from roadseg.metrics.confusion import ConfusionMatrix

    result, matrix = scored(run, sampler="previous"), ConfusionMatrix(4)
    frames.begin()
    for number in range(3):
        image, label = street(number)
        matrix.add(label, frames(image)[0])
    assert result.confusion == matrix.matrix.tolist()
    with pytest.raises(RoadsegError, match="--sampler previous: of whole frames"):
        options = EvaluationOptions(
            sampling=SamplerArguments("previous"), changes={"interpolation": "mesh"}
        )
        Evaluation(run, options)
    sampler = SamplerArguments("previous").load(run)
    with pytest.raises(RoadsegError, match="of whole frames; leave flip out"):
        inference_with_sampler(run, None, Protocol(flip=True), sampler)


def write_video(path: Path, seeds: tuple[int, ...], size: tuple[int, int] = (48, 64)) -> None:
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, 12.5, (size[1], size[0]))
    for seed in seeds:
        image = street(abs(seed), size)[0]
        writer.write(np.ascontiguousarray((image if seed >= 0 else 255 - image)[..., ::-1]))
    writer.release()


def test_a_video_says_how_many_frames_the_network_sampled(
    tmp_path: Path, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "drive.mp4", (1, 1, 1, -1, -1, -1))
    write_video(tmp_path / "other.mp4", (1, 1))
    argv = [str(run.path), "--images", str(tmp_path), "--to", str(tmp_path / "out")]
    assert predict_command.main([*argv, "--sampler", "previous"]) == 0
    printed = capsys.readouterr().out
    assert "drive.mp4: 2 of 6 frames sampled by the network" in printed
    assert "other.mp4: 1 of 2 frames sampled by the network" in printed
    assert (tmp_path / "out" / "drive_sampling.mp4").is_file()


def test_single_images_and_exports_are_refused(tmp_path: Path, run: RunFolder) -> None:
    cv2.imwrite(str(tmp_path / "street.png"), street(0)[0])
    argv = ["--images", str(tmp_path), "--to", str(tmp_path / "out"), "--sampler", "previous"]
    with pytest.raises(RoadsegError, match="street.png: --sampler previous is of videos"):
        predict_command.main([str(run.path), *argv])
    with pytest.raises(RoadsegError, match="--input-height 9: frames that --sampler previous"):
        predict_command.main([str(run.path), *argv, "--input-height", "9"])
    with pytest.raises(RoadsegError, match="--sampler: of a run's own network"):
        predict_command.main(["--saved-model", str(tmp_path), *argv])
    assert not (tmp_path / "out").exists()


def test_images_are_labelled_by_another_sampler(tmp_path: Path, run: RunFolder) -> None:
    cv2.imwrite(str(tmp_path / "street.png"), street(0)[0])
    for name in ("density", "uniform"):
        to = str(tmp_path / name)
        argv = [str(run.path), "--images", str(tmp_path / "street.png"), "--to", to]
        assert predict_command.main([*argv, "--sampler", name, "--write", "labels"]) == 0
    own, uniform = (
        cv2.imread(str(tmp_path / name / "street_labels.png"), cv2.IMREAD_UNCHANGED)
        for name in ("density", "uniform")
    )
    assert own.shape == uniform.shape == (48, 64) and (own != uniform).any()


def test_cuts_are_told_from_movement() -> None:
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    scene = cv2.resize(scene[:6, :8], (80, 60), interpolation=cv2.INTER_LINEAR)
    cuts = CutDetector()
    assert cuts.is_first(scene)
    assert not cuts.is_first(np.roll(scene, 2, axis=1))
    assert cuts.is_first(255 - scene)
    assert cuts.is_first(scene[:50]), "a frame of another size"
    assert changed_share(thumbnail(scene), thumbnail(scene)) == 0


def test_checkpoints_are_read_for_another_sampler_too(tmp_path: Path, run: RunFolder) -> None:
    copy = RunFolder(_second(run))
    add_checkpoint(copy, 40, seed=9)
    found = evaluate(copy, EvaluationOptions(step=40, sampling=SamplerArguments("uniform")))
    assert found.step == 40
