"""Shards that others write are those that a conversion writes itself, whoever does them."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from roadseg.cli import main
from roadseg.data_conversion.write import beam, examples
from roadseg.data_conversion.write.shard_job import STOPPED, Run, ShardJob, stop
from roadseg.files import UNFINISHED
from tests.data_conversion.sets.test_flow_pairs import flow_set
from tests.data_conversion.support import first_image, first_label, small_cityscapes


def elsewhere(jobs: Sequence[ShardJob]) -> None:
    """Do jobs as Beam may: copies of them, out of order, one of them twice, one given up."""
    for job in [*jobs[::-1], jobs[0]]:
        pickle.loads(pickle.dumps(job))()
    (jobs[0].path.parent / f"{UNFINISHED}{jobs[0].path.name}-1f").write_bytes(b"half")


@pytest.fixture
def run_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Return what puts `run` in the place of Beam."""
    return lambda run: monkeypatch.setattr(beam, "beam_runner", lambda _: run)


def convert(source: Path, to: Path, *options: str, kind: str = "cityscapes") -> int:
    return main(["convert", kind, "--source", str(source), "--to", str(to), *options])


def everything_in(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_folder_and_report_are_those_of_the_plain_way(tmp_path: Path, run_by, capsys):
    city = small_cityscapes(tmp_path / "city", train=23, val=2)
    said = []
    for to in ("plain", "jobs"):
        run_by(elsewhere)
        beam_too = ["--beam"] if to == "jobs" else []
        assert convert(city, tmp_path / to, "--shards", "12", *beam_too) == 0
        said.append(capsys.readouterr().out.replace(str(tmp_path / to), "TO"))
    plain, jobs = everything_in(tmp_path / "plain"), everything_in(tmp_path / "jobs")
    assert sum(name.endswith(".tfrecord") for name in plain) == 14
    assert any(name.endswith("label_counts.json") for name in plain)
    assert jobs == plain
    assert "train: 23 images" in said[0]
    assert said[1] == said[0]


def test_views_and_flow_of_a_pair_reach_those_who_write_them(tmp_path: Path, run_by):
    run_by(elsewhere)
    source = flow_set(tmp_path / "pairs")
    assert convert(source, tmp_path / "plain", kind="flow_pairs") == 0
    assert convert(source, tmp_path / "jobs", "--beam", kind="flow_pairs") == 0
    assert everything_in(tmp_path / "jobs") == everything_in(tmp_path / "plain")


def test_faults_are_said_and_left_out_as_on_the_plain_way(tmp_path: Path, run_by, capsys):
    city = small_cityscapes(tmp_path / "city", train=6, val=2)
    image, label = first_image(city), first_label(city)
    image.write_bytes(image.read_bytes()[:-20])
    assert_same(city, tmp_path / "one", run_by, capsys)
    label.write_bytes(b"no label")
    last = sorted(city.glob("leftImg8bit/val/*/*.png"))[-1]
    last.write_bytes(last.read_bytes()[:-20])
    assert_same(city, tmp_path / "many", run_by, capsys)


def assert_same(city: Path, to: Path, run_by, capsys) -> None:
    run_by(elsewhere)
    said = []
    for way, options in (("plain", ()), ("jobs", ("--beam",))):
        assert convert(city, to / way, "--shards", "3", *options) == 2
        assert not any((to / way).iterdir())
        assert convert(city, to / way, "--shards", "3", "--keep-going", *options) == 1
        captured = capsys.readouterr()
        left_out = [line for line in captured.out.splitlines() if line.startswith("left out")]
        said.append((captured.err, left_out))
    assert said[0][0].startswith("error: ") and len(said[0][1]) == 1
    assert said[1] == said[0]
    assert everything_in(to / "jobs") == everything_in(to / "plain")


def test_workers_that_do_not_see_the_folder_are_one_line(tmp_path: Path, run_by, capsys):
    def away(jobs: Sequence[ShardJob]) -> None:
        folder = jobs[0].path.parent
        folder.rename(folder.with_name("away"))
        for job in jobs:
            job()
        folder.with_name("away").rename(folder)

    run_by(away)
    city = small_cityscapes(tmp_path / "city")
    assert convert(city, tmp_path / "to", "--beam") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "train-00000-of-00003.tfrecord was not written there; --to has to be" in line
    assert not any((tmp_path / "to").iterdir())


def test_jobs_end_where_nobody_waits_for_them(tmp_path: Path, run_by, monkeypatch):
    left: list[str] = []
    read: list[str] = []

    def stopped_at_the_second_picture(jobs: Sequence[ShardJob]) -> None:
        def read_image(path: Path, rules: object) -> object:
            read.append(path.name)
            if len(read) == 2:
                stop(jobs)
            return original(path, rules)

        original = examples.read_image
        monkeypatch.setattr(examples, "read_image", read_image)
        for job in jobs:
            job()
        left.extend(path.name for path in jobs[0].path.parent.iterdir())
        raise KeyboardInterrupt

    run_by(stopped_at_the_second_picture)
    city = small_cityscapes(tmp_path / "city", train=20)
    assert convert(city, tmp_path / "to", "--shards", "2", "--workers", "1", "--beam") == 130
    assert 2 <= len(read) <= 4  # of ten in the first shard; one thread is a little ahead
    assert sorted(left) == [STOPPED, "label_table.json"]
    assert not any((tmp_path / "to").iterdir())
