"""Stored results, back as the kind that they are of."""

import json
from pathlib import Path

from roadseg.errors import RoadsegError
from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.density import DensityResult
from roadseg.eval.results.sampling_grid import SamplingResult
from roadseg.eval.results.segmentation import EvaluationResult
from roadseg.eval.results.two_cameras import FlowResult, TwoViewResult

KINDS: tuple[type[BaseResult], ...] = (
    EvaluationResult,
    SamplingResult,
    DensityResult,
    FlowResult,
    TwoViewResult,
)


def load_result(path: Path) -> BaseResult:
    """Return the result stored in `path`; raise RoadsegError if it is none."""
    try:
        text = path.read_text(encoding="utf-8")
        task = json.loads(text).get("task")
        return next((kind for kind in KINDS if kind.task == task), EvaluationResult).from_json(text)
    except FileNotFoundError:
        raise RoadsegError(f"{path}: no evaluation here; run `roadseg eval` first") from None
    except RoadsegError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RoadsegError(
            f"{path}: not an evaluation of this version of roadseg ({error}); delete it and "
            "evaluate again"
        ) from None
