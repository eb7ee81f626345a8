"""Peak memory and time of conversions, by the number of images and of processor cores.

python -m tests.data_conversion.measure --images 200 2000 --size 1024 2048
python -m tests.data_conversion.measure --images 200 --size 1024 2048 --cores 1 2
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadseg.data_conversion.sets.street_scenes import write_street_scenes

DRAWN = 8  # different scenes; the others are links to them

# A small process that starts the command: Linux hands a process's highest memory over to the
# program that it becomes, and a process of tests has held more than a conversion ever will.
BETWEEN = """
import os, sys, time
began = time.monotonic()
child = os.fork()
if not child:
    try:
        os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(sys.argv[2], sys.argv[2:])
    finally:
        os._exit(127)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, time.monotonic() - began)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """What a conversion took. peak: bytes of memory. seconds: by the clock, start included."""

    peak: int
    seconds: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line for each number of images and of cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--size", type=int, nargs=2, default=[1024, 2048])
    parser.add_argument("--cores", type=int, nargs="+", default=[len(os.sched_getaffinity(0))])
    parser.add_argument("--folder", type=Path, help="where images and records lie for a while")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for images in options.images:
            for cores in options.cores:
                cost = conversion(Path(folder), images, tuple(options.size), cores)
                print(
                    f"{images} images, {cores} cores: {cost.peak / 2**20:.0f} MiB, "
                    f"{cost.seconds:.1f} s",
                    flush=True,
                )


def conversion(folder: Path, images: int, size: tuple[int, int], cores: int) -> Cost:
    """Convert as many scenes, on the first `cores` cores that there are, and return the cost."""
    city = city_of(folder / f"city-{images}", images, size)
    to = folder / f"records-{images}-{cores}"
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    command = [sys.executable, "-m", "roadseg", "convert", "cityscapes", "--source", str(city)]
    command += ["--to", str(to), "--splits", "train", "--overwrite"]
    cores_of = ",".join(str(core) for core in allowed)
    run = [sys.executable, "-S", "-c", BETWEEN, cores_of, *command]
    done = subprocess.run(run, stdout=subprocess.PIPE, check=True)
    peak, seconds = done.stdout.split()
    return Cost(1024 * int(peak), float(seconds))


def city_of(folder: Path, images: int, size: tuple[int, int]) -> Path:
    """Return a Cityscapes with as many training images, most of them links to a few scenes."""
    scenes = folder / "scenes"
    write_street_scenes(scenes, train=min(images, DRAWN), val=0, size=size)
    files = sorted((scenes / "leftImg8bit").rglob("*.png"))
    city = folder / "city"
    for number in range(images):
        image = files[number % len(files)]
        label = scenes / "gtFine" / image.relative_to(scenes / "leftImg8bit")
        name = f"ulm_{number:06d}_000019"
        for kind, file in (("leftImg8bit", image), ("gtFine", label)):
            end = "leftImg8bit" if kind == "leftImg8bit" else "gtFine_labelIds"
            if kind == "gtFine":
                file = file.with_name(file.name.replace("leftImg8bit", end))
            link = city / kind / "train" / "ulm" / f"{name}_{end}.png"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                os.link(file, link)
    return city


if __name__ == "__main__":
    main()
