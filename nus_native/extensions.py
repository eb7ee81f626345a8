"""Describes the native extensions to setuptools; run by `setup.py` alone, before anything is built.

The Ceres extension is described only where the headers of Ceres and Eigen are found: in the folders
named by CERES_INCLUDE_DIR and CPATH, then in the usual ones. ROADSEG_WITHOUT_CERES=1 leaves it out.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension

HERE = "nus_native"  # relative to setup.py: setuptools refuses absolute sources
USUAL_INCLUDES = (
    "/usr/include",
    "/usr/local/include",
    "/opt/homebrew/include",
    "/opt/local/include",
)
# No contraction: the plain and the AVX2 build of a kernel then give the same bits, and the two
# triangles on either side of an edge see the same crossing.
COMPILE = ["-std=c++17", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-pthread"]


def extensions() -> list[Extension]:
    """Return the extensions that this machine can build, as generated C++."""
    found = [
        _extension("_targets", ["edges.cpp", "nearest.cpp", "direct.cpp"]),
        _extension("_mesh", ["mesh.cpp", "spans.cpp"]),
    ]
    return cythonize(found, language_level=3, quiet=True)


def _extension(name: str, sources: list[str]) -> Extension:
    return Extension(
        f"roadseg.nus_native.{name}",
        [f"{HERE}/{name}.pyx", *(f"{HERE}/src/{source}" for source in sources)],
        include_dirs=[f"{HERE}/src"],
        depends=[str(path) for path in sorted(Path(HERE, "src").glob("*.hpp"))],
        extra_compile_args=COMPILE,
        extra_link_args=["-pthread"],
        language="c++",
    )
