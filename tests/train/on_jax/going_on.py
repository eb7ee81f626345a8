"""Trainings of the tiny network on the backend of this process, some of them stopped on the way.

python -m tests.train.on_jax.going_on FOLDER RECORDS NAME[@STEP] ...: trains FOLDER/NAME to its end,
or until STEP; what was stopped goes on where it is named again, there or in another process.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from roadseg.recipe.recipe import Recipe
from tests.train import tiny


def recipe_of(name: str, records: Path | str) -> Recipe:
    """Return the recipe of a run: Adam with averages; dropout where its name says so."""
    dropout = 0.1 if "dropout" in name else 0.0
    changes: dict[str, Any] = {"optimizer.kind": "adam", "optimizer.ema_decay": 0.9}
    if "half" in name:
        changes |= {"precision": "mixed_float16"}
    if "ohem" in name:
        # No pixel is hard by itself: the 500 hardest count, of 2304.
        changes |= {"loss.kind": "ohem", "loss.ohem_min_kept": 500, "loss.ohem_threshold": 0.01}
    base = tiny.recipe(records, **{"network.options": {"dropout": dropout}})
    return base.replace(**changes | {"log.summary_every_steps": 1, "optimizer.learning_rate": 0.01})


def main() -> None:
    """Train what the words say, one after the other."""
    from roadseg.runs.run_folder import RunFolder
    from roadseg.train import loop

    tiny.use_tiny_network()
    folder, records = Path(sys.argv[1]), Path(sys.argv[2])
    report = loop._Loop._report
    for word in sys.argv[3:]:
        name, _, stop = word.partition("@")

        def stopping(self: Any, done: int, *rest: Any, stop: str = stop) -> None:
            report(self, done, *rest)
            if str(done) == stop:
                os.kill(os.getpid(), signal.SIGTERM)

        loop._Loop._report = stopping  # type: ignore[method-assign]
        status = loop.train(recipe_of(name, records), RunFolder(folder / name))
        assert status == (128 + signal.SIGTERM if stop else 0), (word, status)


if __name__ == "__main__":
    main()
