"""Random calls of the native code: `make fuzz` makes a million, built with ASan and UBSan.

python -m tests.nus_native.fuzz [--inputs N] [--seed FIRST] [--library build/fuzz/lib]

An input follows from its seed alone. A call gives what it promises, or refuses by RoadsegError or
ValueError; anything else, and the end of the process, is a fault. The seed that ran last is kept in
build/fuzz/last; those of faults that were found stand in fuzz_seeds.txt and come first in each run.
"""

import argparse
import importlib.util
import mmap
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SEEDS = HERE / "fuzz_seeds.txt"
LAST = HERE.parents[1] / "build" / "fuzz" / "last"
Rng = np.random.Generator
ODD_NUMBERS = (0, -1, 0.5, 1e-300, 1e155, 1e308, np.inf, -np.inf, np.nan, 2**31, 2**63, "1", None)
ODD_SIDES = (-1, 0, 1, 2, 3, 4095, 4097, 40_000, 2**31 - 1, 2**31, 2**64, 1.0, "2")
KINDS = (np.uint8, np.int32, np.int8, np.uint16, np.int64, np.float32, np.bool_, object)
FLOATS = (np.float16, np.float32, np.float64, np.int32, np.complex64)


def seldom(rng: Rng, share: float = 0.05) -> bool:
    return bool(rng.random() < share)


def choice(rng: Rng, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def laid_out(rng: Rng, values: np.ndarray) -> np.ndarray:
    """Return equal values in another layout: strided, reversed, transposed, misaligned, locked."""
    kind = int(rng.integers(8))
    if kind == 1 and values.ndim:
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
        wide[..., ::2] = values
        values = wide[..., ::2]
    elif kind == 2 and values.ndim:
        values = values[::-1].copy()[::-1]
    elif kind == 3:
        values = np.asfortranarray(values)
    elif kind == 4 and values.dtype != object:
        room = np.zeros(values.nbytes + 1, np.uint8)[1:]  # one byte beside its alignment
        moved = room[: values.nbytes].view(values.dtype).reshape(values.shape)
        moved[...] = values
        values = moved
    elif kind == 5:
        values = values.copy()
        values.flags.writeable = False
    elif kind == 6 and values.ndim > 2:
        values = np.broadcast_to(values[:1], values.shape)
    elif kind == 7 and values.dtype != object:
        values = values.astype(values.dtype.newbyteorder())
    return values


def label_map(rng: Rng) -> np.ndarray:
    """Return label maps of blocks, noise or one value, mostly of a type that is taken."""
    shape = [int(side) for side in rng.integers(2, 40, 2)]
    if seldom(rng):
        shape[int(rng.integers(2))] = int(choice(rng, (0, 1, 2, 300)))
    if seldom(rng, 0.3):
        shape.insert(0, int(rng.integers(0, 4)))
    if seldom(rng, 0.02):
        shape = shape[:1] if seldom(rng, 0.5) else [1, *shape, 1]
    kind = choice(rng, KINDS[:2]) if not seldom(rng) else choice(rng, KINDS)
    highest = int(choice(rng, (1, 2, 5, 20, 256)))
    values = rng.integers(0, highest, shape)
    if seldom(rng, 0.4) and len(shape) > 1:
        values = np.repeat(np.repeat(values, 5, axis=-1), 5, axis=-2)[..., : shape[-2], : shape[-1]]
    if kind == np.int32 and seldom(rng, 0.3):
        values = rng.choice(np.array([-(2**31), -1, 0, 1, 255, 2**31 - 1]), values.shape)
    return laid_out(rng, np.asarray(values).astype(kind))


def sides(rng: Rng, low: int = 2, high: int = 14) -> Any:
    """Return (height, width), mostly one that is taken."""
    found: list[Any] = [int(side) for side in rng.integers(low, high, 2)]
    if seldom(rng):
        found[int(rng.integers(2))] = choice(rng, ODD_SIDES)
    if seldom(rng, 0.02):
        found = choice(rng, ([], found[:1], [*found, 2], 3, None, "ab"))
    return tuple(found) if isinstance(found, list) else found


def floats(rng: Rng, shape: tuple[int, ...], scale: float = 1.0) -> np.ndarray:
    """Return numbers around 0..1, at times odd ones, of mostly a type that is taken."""
    values = rng.random(shape) * scale
    if seldom(rng, 0.2):
        values = rng.normal(size=shape) * 10.0 ** int(rng.integers(-320, 308))
    if seldom(rng, 0.1) and values.size:
        place = tuple(int(rng.integers(side)) for side in shape)
        values[place] = choice(rng, ODD_NUMBERS[:9])
    if seldom(rng, 0.2):
        values = np.round(values, 1)
    kind = choice(rng, FLOATS[:3]) if not seldom(rng) else choice(rng, FLOATS)
    with np.errstate(all="ignore"):
        return laid_out(rng, values.astype(kind))


def classes(rng: Rng) -> Any:
    if seldom(rng, 0.6):
        return None
    ids = [int(value) for value in rng.integers(-2, 22, int(rng.integers(0, 5)))]
    wrap = choice(rng, (list, tuple, set, np.array, iter))
    return choice(rng, ([2**31], [1.5], "1", 3, [None], [True])) if seldom(rng) else wrap(ids)


def one_of(rng: Rng, usual: tuple[Any, ...], odd: tuple[Any, ...] = ODD_NUMBERS) -> Any:
    return choice(rng, odd) if seldom(rng) else choice(rng, usual)


def threads(rng: Rng) -> Any:
    return one_of(rng, (None, 1, 2, 5), (0, -1, 1.5, "2", 10**6))


def labels_call(rng: Rng, native: Any) -> None:
    labels, ignore = label_map(rng), one_of(rng, (255, 0, None, -1), (2**31, "0", 0.0, True))
    options: dict[str, Any] = {"ignore": ignore, "threads": threads(rng)}
    options["target_classes"] = classes(rng)
    name = choice(rng, ("edge_map", "nearest_edges", "boundary_targets", "boundary_density"))
    if name == "edge_map":
        found = native.edge_map(labels, **options)
        assert found.shape == labels.shape and found.dtype == bool
        return
    if name == "boundary_density":
        count = int(rng.integers(1, 6))
        weights = floats(rng, choice(rng, ((count,), (count, count), (count, count + 1))))
        options["class_weights"] = weights if seldom(rng, 0.5) else None
        options["blur"] = one_of(rng, (0, 0.5, 3.0))
        found = native.boundary_density(labels, sides(rng), **options)
        assert found.min(initial=0) >= 0
        np.testing.assert_allclose(found.sum(axis=(-1, -2)), 1, atol=1e-4)
        return
    options["grid_index"] = one_of(rng, ("exact", "square", "published"), ("other", None))
    options["no_edge"] = one_of(rng, ("uniform", "published"), ("other",))
    grid = sides(rng)
    if name == "boundary_targets":
        options["alpha"] = one_of(rng, (0.1, 0.5, 1.0))
        options["smoothness"] = one_of(rng, (None, None, 0.0, 1.0, 50.0))
        options["weighting"] = one_of(rng, ("published", "one_minus_alpha"), ("other",))
        options["solver"] = "ceres" if seldom(rng, 0.01) and native.has_ceres() else "direct"
        options["dtype"] = one_of(rng, (np.float32, np.float64, np.float16), (np.int32, "f8"))
    found = getattr(native, name)(labels, grid, **options)
    assert found.shape == (*labels.shape[:-2], *grid, 2)
    assert np.isfinite(found).all()


def solve_call(rng: Rng, native: Any) -> None:
    shape = tuple(int(side) for side in rng.integers(0, 3, int(rng.integers(0, 3))))
    grid = [int(side) for side in rng.integers(2, 12, 2)]
    if seldom(rng):
        grid[0] = int(choice(rng, (0, 1, 400)))
    shape = (*shape, *grid, 2 if not seldom(rng, 0.02) else 3)
    nearest = floats(rng, shape)
    options = {"alpha": one_of(rng, (1e-3, 0.5, 1.0)), "smoothness": one_of(rng, (None, 0.0, 2.0))}
    if seldom(rng, 0.3):
        other = floats(rng, shape)
        found = native.energy(nearest, other, **options)
        assert found.shape == shape[:-3]
        return
    found = native.solve_grid(nearest, threads=threads(rng), **options)
    assert found.shape == shape and np.isfinite(found).all()
    inner = found.reshape(-1, *shape[-3:])
    assert (inner[:, 0, :, 0] == 0).all() and (inner[:, :, -1, 1] == 1).all()


def mesh_call(rng: Rng, native: Any) -> None:
    rows, columns, channels = (int(side) for side in rng.integers((2, 2, 1), (9, 9, 6)))
    if seldom(rng):
        rows, channels = int(choice(rng, (0, 1, 60))), int(choice(rng, (0, 1, 300)))
    batch = (int(rng.integers(0, 4)),) if seldom(rng, 0.4) else ()
    scores = floats(rng, (*batch, rows, columns, channels))
    one_grid = batch if seldom(rng, 0.6) else ()
    grid = floats(rng, (*one_grid, rows, columns, 2))
    if seldom(rng, 0.4) and min(rows, columns) > 1:
        shift = rng.normal(0, 0.1, grid.shape)
        grid = np.clip(native.uniform_grid((rows, columns)) + shift, 0, 1)
    size = sides(rng, 2, 60)
    argmax = seldom(rng, 0.5)
    found = native.interpolate(scores, grid, size, argmax, threads=threads(rng))
    assert found.shape == (*batch, *size, *(() if argmax else (channels,)))
    if argmax:
        assert found.dtype == np.int32 and 0 <= found.min(initial=0)
        assert found.max(initial=0) < channels
    elif scores.size:
        low, high = float(scores.min()), float(scores.max())
        slack = 1e-5 * max(abs(low), abs(high)) + 1e-300
        assert low - slack <= found.min(initial=low) and found.max(initial=high) <= high + slack


def pairs_call(rng: Rng, native: Any) -> None:
    from roadseg.metrics.confusion import pair_counts_with_void

    labels, other = label_map(rng), label_map(rng)
    if seldom(rng, 0.7):
        other = laid_out(rng, rng.permutation(labels.ravel()).reshape(labels.shape))
    if not {labels.dtype.kind, other.dtype.kind} <= {"i", "u"}:
        return
    found = pair_counts_with_void(labels, other, choice(rng, (1, 3, 19, 256)))
    assert found.sum() == labels.size


CALLS: tuple[Callable[[Rng, Any], None], ...] = (
    *(labels_call, labels_call, labels_call),
    *(solve_call, mesh_call, mesh_call, pairs_call),
)


def run(seed: int, native: Any) -> str:
    """Make the call of a seed; return which it was and how it ended, or raise what it must not."""
    from roadseg.errors import RoadsegError

    rng = np.random.default_rng(seed)
    call = choice(rng, CALLS)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            call(rng, native)
    except (RoadsegError, ValueError) as error:
        assert "\n" not in str(error), error
        return f"{call.__name__} refused"
    return f"{call.__name__} answered"


def kept_seeds() -> list[int]:
    """Return the seeds of inputs that once showed a fault."""
    lines = SEEDS.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def load(library: Path) -> None:
    """Let the extensions below `library` be those of the package, before it is imported."""
    for path in sorted(library.rglob("*.so")):
        name = ".".join((*path.relative_to(library).parts[:-1], path.name.partition(".")[0]))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


def main() -> int:
    """Make the calls and print how they ended; 1 for a fault, with its seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first input")
    parser.add_argument("--library", type=Path, help="extensions to test, default the installed")
    arguments = parser.parse_args()
    if arguments.library:
        load(arguments.library)
    from roadseg import nus_native

    LAST.parent.mkdir(parents=True, exist_ok=True)
    LAST.write_bytes(bytes(20))
    ended: Counter[str] = Counter()
    first = arguments.seed
    seeds = [*kept_seeds(), *range(first, first + arguments.inputs)]
    began = time.monotonic()
    with LAST.open("r+b") as file, mmap.mmap(file.fileno(), 20) as last:
        for number, seed in enumerate(seeds, start=1):
            last[:] = b"%-19d\n" % seed  # what a killed process leaves
            try:
                ended[run(seed, nus_native)] += 1
            except BaseException:
                print(f"fault: seed {seed}; keep it in {SEEDS.name}", file=sys.stderr, flush=True)
                raise
            if number % 10_000 == 0:
                rate = number / (time.monotonic() - began)
                print(f"{number:,} of {len(seeds):,}, {rate:,.0f} a second", flush=True)
    rate = len(seeds) / (time.monotonic() - began)
    print(f"{len(seeds):,} calls, {rate:,.0f} a second, no fault: {dict(sorted(ended.items()))}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
