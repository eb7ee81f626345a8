"""A network takes the same training step on two replicas as on one."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from typing import Any

import keras
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("replicas are TensorFlow's", allow_module_level=True)

import roadseg
from tests.models.every_network import NAMES, ON_REPLICAS, options, others_slow, sizes
from tests.support import REPOSITORY

Compare = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def compare() -> Iterator[Compare]:
    """Give a function of a network's name to how far two replicas are from one."""
    # Logical devices can only be made before TensorFlow starts: hence a process of its own.
    command = [sys.executable, "-m", "tests.models.two_replicas"]
    with TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=REPOSITORY,
        )
        assert process.stdin and process.stdout

        def ask(name: str) -> dict[str, Any]:
            request = {"name": name, "size": sizes(name)[0], "options": options(name)}
            print(json.dumps(request), file=process.stdin, flush=True)
            for line in process.stdout:
                if line.startswith("{"):
                    return json.loads(line)
            errors.seek(0)
            raise AssertionError(f"{name}: {errors.read()[-2000:]}")

        yield ask
        process.stdin.close()
        process.wait(timeout=60)


@pytest.mark.parametrize(
    "name", others_slow([*NAMES, *roadseg.list_models("two_cameras")], ON_REPLICAS)
)
def test_two_replicas_agree_with_one(name, compare):
    differences = compare(name)
    assert differences["weights"] > 50
    assert differences["gradients"] < 1e-9
    assert differences["statistics"] < 1e-9
