"""Reads TF-slim checkpoints, as a prefix or in the archives they were published in."""

import re
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.regular_files import check_regular

ARCHIVES = (".tgz", ".tar.gz", ".tar")
CHECKPOINT = re.compile(r"\.(index|data-\d+-of-\d+)$")
LARGEST_BYTES = 1 << 30
MOST_MEMBERS = 10_000
# What optimisers keep, and the layers of the ImageNet classifier that DeepLab does not build.
SKIPPED = re.compile(
    r"(^|/)(global_step|beta[12]_power)$"
    r"|/(Momentum|RMSProp(_1)?|Adam(_1)?|Adagrad|ExponentialMovingAverage|biased|local_step)$"
    r"|^MobilenetV2/(Conv_1|Logits|Predictions)/"
)


def index_file(source: Path) -> Path:
    """Return the path of the `.index` beside a prefix, or beside any one file of a checkpoint."""
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(source))
    return Path(f"{prefix}.index")


def read_slim(source: Path) -> dict[str, np.ndarray]:
    """Return the network's arrays by their TF-slim names, kernels (height, width, in, out).

    source: `.tgz`/`.tar` archive that holds one checkpoint, its prefix, or one of its files.
    Optimiser slots, moving averages, step counters and ImageNet's last layers are left out.
    Raises RoadsegError for a missing or damaged file, or an archive with none or several in it.
    """
    archive_there = source.is_file() and tarfile.is_tarfile(source)
    if not source.name.endswith(ARCHIVES) and not archive_there:
        return _read_prefix(str(index_file(source)).removesuffix(".index"), str(source))
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_regular(source)
            with tarfile.open(source) as archive:
                # The filter refuses paths and links that lead out of the folder.
                archive.extractall(folder, _members(archive), filter="data")
        except FileNotFoundError:
            raise RoadsegError(f"{source}: no such archive; check the path") from None
        except (OSError, EOFError, tarfile.TarError) as error:
            reason = str(error).splitlines()[0]
            raise RoadsegError(
                f"{source}: not readable as a tar archive ({reason}); copy the file again"
            ) from None
        found = sorted(Path(folder).rglob("*.index"))
        if len(found) != 1:
            raise RoadsegError(
                f"{source}: {len(found)} checkpoints in it; unpack it and name one prefix"
            )
        return _read_prefix(str(found[0]).removesuffix(".index"), str(source))


def _members(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Return the files of checkpoints in `archive`, by what their headers say.

    What else lies beside them (graphs, links, devices) is not unpacked.
    Raises TarError where they would take more than LARGEST_BYTES; the rest is not looked at then.
    """
    found: list[tarfile.TarInfo] = []
    for count, member in enumerate(archive):
        large = member.size > LARGEST_BYTES
        if member.isreg() and CHECKPOINT.search(member.name):
            found.append(member)
            large = sum(one.size for one in found) > LARGEST_BYTES
        if large or count >= MOST_MEMBERS:
            raise tarfile.TarError(
                f"'{member.name}' brings it above {LARGEST_BYTES >> 20} MiB or {MOST_MEMBERS:,} "
                "members, which no checkpoint of a network here has"
            )
    return found


def _read_prefix(prefix: str, source: str) -> dict[str, np.ndarray]:
    import tensorflow as tf

    if not Path(f"{prefix}.index").is_file():
        raise RoadsegError(
            f"{source}: no checkpoint here ({prefix}.index is absent); give the prefix of one"
        )
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = [name for name in reader.get_variable_to_shape_map() if not SKIPPED.search(name)]
        return {name: reader.get_tensor(name) for name in sorted(names)}
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RoadsegError(
            f"{source}: not readable as a checkpoint ({reason}); copy the file again"
        ) from None
