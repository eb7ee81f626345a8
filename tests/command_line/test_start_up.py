"""Commands that fail on their arguments say so before any framework is loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from roadseg.label_tables import get
from roadseg.runs.run_folder import RunFolder
from roadseg.train import recipes

# Each fails; RUN is a run without a checkpoint, RECORDS a folder with a split 'train' by name.
COMMANDS = """
train --recipe nope
train --recipe fast_seg/bisenet --records nowhere --run new
train --recipe fast_seg/bisenet --nonsense 3
train --recipe fast_seg/bisenet --records RECORDS --run new --model nope
train --recipe fast_seg/bisenet --records RECORDS --run new --network.options widht=3
train --recipe fast_seg/bisenet --records RECORDS --run new --network.options backbone=resnet19
train --recipe fast_seg/bisenet --records RECORDS --run new --steps 0
train --recipe fast_seg/bisenet --records RECORDS --run new --start.initial-weights nowhere.pth
train --run nowhere
launch -- train
launch --local 2 -- train --recipe nope
launch --local 2 -- train --recipe fast_seg/bisenet --records nowhere --run new
launch --within slurm -- train --recipe nope
eval nowhere
eval RUN --protocol nope
eval RUN --records nowhere
eval RUN --records RECORDS --split train
eval --oracle --records nowhere --sampling-size 64 64
predict nowhere --images PICTURES
predict RUN --images nowhere
predict RUN --images PICTURES --to out
export nowhere
export RUN
export RUN --format nope
benchmark nope
benchmark icnet --options widht=2
benchmark icnet --options normalisation=rgbb
benchmark icnet --size abc
report nowhere
submit nowhere --records RECORDS
submit RUN --images nowhere
convert nope
convert cityscapes --source nowhere --to out
inspect nowhere
inspect RECORDS --split val
import-weights nowhere --to out
import-weights PICTURES --model nope --to out
demo --model nope/nothing
demo --model RUN
demo --beside nope/nothing
demo --port 70000
demo --max-frames 0
compare RUN
compare RUN RUN
compare RUN nowhere
"""
RUN_ALL = """import contextlib, io, json, sys
from roadseg.cli import main
found = []
for words in json.loads(sys.argv[1]):
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = main(words)
        except SystemExit as stopped:
            status = stopped.code
    loaded = sorted({"tensorflow", "keras", "jax", "torch"} & set(sys.modules))
    found.append([status, error.getvalue(), loaded])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("start_up")
    (folder / "records").mkdir()
    (folder / "records" / "train-00000-of-00001.tfrecord").write_bytes(b"")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"no picture")
    RunFolder(folder / "run").begin(recipes.get("fast_seg/bisenet"), get("cityscapes"))
    return folder, {"RUN": "run", "RECORDS": "records", "PICTURES": "pictures"}


def test_bad_arguments_are_refused_before_a_framework_is_loaded(
    places: tuple[Path, dict[str, str]],
) -> None:
    folder, names = places
    lines = COMMANDS.strip().splitlines()
    words = [[names.get(word, word) for word in line.split()] for line in lines]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(words)],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    for line, (status, error, loaded) in zip(lines, json.loads(done.stdout), strict=True):
        assert status == 2 and error, line
        assert not loaded, (line, error)
    assert sorted(path.name for path in folder.iterdir()) == ["pictures", "records", "run"]
