"""Describes the native extensions to setuptools; run by `setup.py` alone, before anything is built.

The Ceres extension is described only where the headers of Ceres and Eigen are found: in the folders
named by CERES_INCLUDE_DIR and CPATH, then in the usual ones. ROADSEG_WITHOUT_CERES=1 leaves it out.
ROADSEG_SANITIZE=1 builds for `make fuzz`: what reads or writes where it must not ends the process.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension

# Relative to setup.py: setuptools refuses absolute sources.
HERE = "nus_native"
METRICS = "research/metrics"
CROPS = "train/data"
USUAL_INCLUDES = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")
# No contraction: the plain and the AVX2 build of a kernel then give the same bits, and the two
# triangles on either side of an edge see the same crossing.
COMPILE = ["-std=c++17", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-pthread"]
SANITIZE = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined"]
SANITIZE += ["-fno-sanitize-recover=undefined", "-fno-sanitize=vptr"]


def extensions() -> list[Extension]:
    """Return the extensions that this machine can build, as generated C++."""
    from Cython.Build import cythonize

    found = [
        _extension("_targets", ["edges.cpp", "nearest.cpp", "density.cpp", "direct.cpp"]),
        _extension("_mesh", ["mesh.cpp", "spans.cpp"]),
        _extension("_pairs", ["pairs.cpp"], METRICS, "roadseg.metrics"),
        _extension("_crops", ["png_rows.cpp", "window.cpp"], CROPS, "roadseg.train.data"),
    ]
    includes = ceres_includes()
    if includes is not None:
        found.append(_extension("_ceres", ["ceres_problem.cpp"]))
        found[-1].include_dirs += includes
        found[-1].library_dirs += [str(Path(folder).parent / "lib") for folder in includes[:1]]
        found[-1].libraries += ["ceres", "glog"]
        found[-1].optional = True  # headers without a working library: build the rest
    return cythonize(found, language_level=3, quiet=True)


def ceres_includes() -> list[str] | None:
    """Return the folders that hold the headers of Ceres and of Eigen, or None if one is missing."""
    if os.environ.get("ROADSEG_WITHOUT_CERES", "0") not in ("", "0"):
        return None
    named = [os.environ.get("CERES_INCLUDE_DIR", ""), *os.environ.get("CPATH", "").split(":")]
    folders = [Path(folder) for folder in (*named, *USUAL_INCLUDES) if folder]
    ceres = next((folder for folder in folders if (folder / "ceres/ceres.h").is_file()), None)
    eigens = (place for folder in folders for place in (folder, folder / "eigen3"))
    eigen = next((folder for folder in eigens if (folder / "Eigen/Core").is_file()), None)
    if ceres is None or eigen is None:
        print("roadseg: no headers of Ceres and Eigen; building without it", file=sys.stderr)
        return None
    return [str(ceres), str(eigen)]


def _extension(
    name: str, sources: list[str], folder: str = HERE, package: str = "roadseg.nus_native"
) -> Extension:
    """Return the extension of a door, <folder>/<name>.pyx, and C++ sources of nus_native/src."""
    sanitize = SANITIZE if os.environ.get("ROADSEG_SANITIZE", "0") not in ("", "0") else []
    return Extension(
        f"{package}.{name}",
        [f"{folder}/{name}.pyx", *(f"{HERE}/src/{source}" for source in sources)],
        include_dirs=[f"{HERE}/src"],
        depends=[str(path) for path in sorted(Path(HERE, "src").glob("*.hpp"))],
        extra_compile_args=COMPILE + sanitize,
        extra_link_args=["-pthread", *sanitize],
        language="c++",
    )
