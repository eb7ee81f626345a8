"""Flags that are called otherwise now: each answers with its new name."""

from collections.abc import Sequence

from roadseg.errors import RoadsegError

_SHOWN = {
    "--sliding": "--tile",
    "--overlap": "--tile-overlap",
    "--mirror": "--flip",
    "--size": "--input-scale",
    "--enlargement": "--upsampling",
}
OLD_FLAGS: dict[str, dict[str, str]] = {
    "eval": {**_SHOWN, "--dump": "--save-predictions", "--limit": "--max-images"},
    "eval --oracle": {
        "--alpha": "--sampler.alpha",
        "--grid": "--sampler.grid-size",
        "--limit": "--max-images",
    },
    "predict": {**_SHOWN, "--views": "--camera-prefixes", "--demo": "--style sfsegnets"},
    "submit": {**_SHOWN, "--form": "--format"},
    "convert dual_camera": {"--views": "--camera-prefixes"},
    "benchmark": {"--part": "--layers", "--option": "--options"},
    "import-weights": {"--option": "--options", "--auxiliary": "--sampler"},
}
"""Command -> old flag -> what does the same now."""


def refuse_old_flags(argv: Sequence[str], command: str) -> None:
    """Raise RoadsegError for a flag that `command` had in version 0.1, naming the new one."""
    for word in argv:
        flag = word.partition("=")[0]
        new = OLD_FLAGS.get(command, {}).get(flag)
        if new:
            raise RoadsegError(f"{flag}: it is called {new} now")
