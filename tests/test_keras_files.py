"""`.keras` files load in a process that has imported roadseg alone, before Keras or after it."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import roadseg
from roadseg.keras_files import MODULES
from tests.support import REPOSITORY

LOAD = """import sys, numpy
import {first}, {second}
network = keras.models.load_model(sys.argv[1] + "/n.keras")
logits = network(numpy.full((1, 64, 64, 3), 99, "f4"))
numpy.testing.assert_array_equal(logits, numpy.load(sys.argv[1] + "/logits.npy"))
"""


def run(code: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    network = roadseg.create("espnet_c", 3, p=1, q=1)
    network.save(folder / "n.keras")
    np.save(folder / "logits.npy", network(np.full((1, 64, 64, 3), 99, "f4")))
    return folder


@pytest.mark.parametrize("order", [("roadseg", "keras"), ("keras", "roadseg")])
def test_a_network_loads_after_the_import_of_the_package_alone(
    saved: Path, order: tuple[str, str]
) -> None:
    run(LOAD.format(first=order[0], second=order[1]), str(saved))


def test_importing_the_package_imports_no_framework() -> None:
    run("import sys, roadseg; assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)")


def test_every_module_that_registers_a_class_is_named() -> None:
    named = {f"{folder}/{module}.py" for folder, modules in MODULES.items() for module in modules}
    found = {
        path.relative_to(REPOSITORY / "research").as_posix()
        for path in (REPOSITORY / "research").rglob("*.py")
        if "@keras.saving.register_keras_serializable" in path.read_text(encoding="utf-8")
    }
    assert named == found


def test_no_two_classes_are_registered_by_one_name() -> None:
    marked = re.compile(r'register_keras_serializable\("roadseg"\)\nclass (\w+)')
    names = [
        name
        for path in sorted((REPOSITORY / "research").rglob("*.py"))
        for name in marked.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(names) > 30 and sorted(set(names)) == sorted(names)
