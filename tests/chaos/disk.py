"""The disk that fills up or breaks: `faults.c`, compiled and put before a command."""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FORM = "=6Q"


@dataclass(frozen=True)
class Counts:
    """What was written below a folder, and what of it was refused."""

    bytes: int
    calls: int
    refused: int


class Disk:
    """Writes of commands below one folder: counted, and refused from a place on."""

    def __init__(self, library: Path, plan: Path, under: Path):
        """Count what is written below `under`. library: of `build`. plan: a file of its own."""
        self.library, self.plan, self.under = library, plan, under.resolve()
        self.heal()

    def heal(self) -> None:
        """Begin to count anew, and let nothing fail."""
        self.fail(0)

    def fail(self, error: int, after_bytes: int = 0, after_calls: int = 0) -> None:
        """Let all fail with `error` (of errno) after so many bytes or calls; 0 for never."""
        self.plan.write_bytes(struct.pack(_FORM, 0, 0, after_bytes, after_calls, error, 0))

    def counts(self) -> Counts:
        """Return what was counted since."""
        written, calls, _, _, _, refused = struct.unpack(_FORM, self.plan.read_bytes())
        return Counts(written, calls, refused)

    def environment(self) -> Mapping[str, str]:
        """Return what a command has to be given."""
        names = {"CHAOS_PLAN": self.plan.resolve(), "CHAOS_UNDER": self.under}
        return {"LD_PRELOAD": str(self.library.resolve())} | {k: str(v) for k, v in names.items()}


def compiler() -> str | None:
    """Return the C compiler, if there is one."""
    return shutil.which(os.environ.get("CC", "cc"))


def build(folder: Path) -> Path:
    """Compile `faults.c` into `folder` and return the library."""
    library = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    command = [compiler() or "cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)]
    subprocess.run([*command, "-ldl"], check=True)
    return library
