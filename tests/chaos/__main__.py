"""Kills commands again and again and compares what they made with an undisturbed run: `make chaos`.

python -m tests.chaos [--kills N] [--seed S] [--stages convert,density,...] [--to FOLDER]
Prints each disturbance and each fault and keeps counts.json in the folder up to date, so that a run
that was ended has its counts. Status 1 for a fault.
"""

import argparse
import json
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.chaos.disk import build, compiler
from tests.chaos.disturb import Chaos, Outcome
from tests.chaos.schedule import schedule
from tests.chaos.stages import STAGES
from tests.support import REPOSITORY


def main() -> int:
    """Run what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", default=",".join(STAGES), help=f"of: {','.join(STAGES)}")
    parser.add_argument("--to", type=Path, default=REPOSITORY / "build" / "chaos")
    given = parser.parse_args()
    names = tuple(name for name in STAGES if name in given.stages.split(","))
    if unknown := set(given.stages.split(",")) - set(STAGES):
        parser.error(f"--stages {','.join(sorted(unknown))}: there are {','.join(STAGES)}")
    if given.kills < 1:
        parser.error(f"--kills {given.kills}: 1 or more")
    if given.to.exists() and any(given.to.iterdir()):
        parser.error(f"--to {given.to}: not empty; remove it or give another folder")
    if compiler() is None:
        parser.error("no C compiler; on Debian: apt-get install gcc")
    given.to.mkdir(parents=True, exist_ok=True)
    kills = schedule(given.kills, given.seed, names)
    began = time.monotonic()

    def note(outcome: Outcome) -> None:
        minutes = round((time.monotonic() - began) / 60, 1)
        text = json.dumps(counted(outcome, given.seed) | {"minutes": minutes}, indent=1)
        (given.to / "counts.json").write_text(text + "\n", encoding="utf-8")

    outcome = Chaos(given.to.resolve(), build(given.to)).run(kills, names, note)
    print((given.to / "counts.json").read_text(encoding="utf-8"))
    return 1 if outcome.faults else 0


def counted(outcome: Outcome, seed: int) -> dict[str, Any]:
    """Return the counts, and what they were counted on."""
    by_stage: dict[str, dict[str, int]] = {}
    for (stage, kind), number in sorted(outcome.survived.items()):
        by_stage.setdefault(stage, {})[kind] = number
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
        "commit": commit.stdout.strip(),
        "seed": seed,
        "kills": sum(outcome.survived.values()),
        "by_stage": by_stage,
        "late": outcome.late,
        "compared": dict(outcome.compared),
        "faults": outcome.faults,
    }


if __name__ == "__main__":
    raise SystemExit(main())
