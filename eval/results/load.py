"""Stored results, back as the kind that they are of."""

from pathlib import Path

from roadseg.errors import RoadsegError
from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.density import DensityResult
from roadseg.eval.results.sampling_grid import SamplingGridResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.results.two_cameras import FlowResult, TwoCameraResult
from roadseg.files import parse_json
from roadseg.regular_files import read_regular

KINDS: tuple[type[BaseResult], ...] = (
    SegmentationResult,
    SamplingGridResult,
    DensityResult,
    FlowResult,
    TwoCameraResult,
)


def load_result(path: Path) -> BaseResult:
    """Return the result stored in `path`; raise RoadsegError if it is none."""
    try:
        text = read_regular(path).decode("utf-8")
        task = parse_json(text).get("task")
        kind = next((kind for kind in KINDS if kind.task == task), SegmentationResult)
        return kind.from_json(text)
    except FileNotFoundError:
        raise RoadsegError(f"{path}: no evaluation here; run `roadseg eval` first") from None
    # It is a ValueError as well, and says already what is wrong.
    except RoadsegError:
        raise
    except OSError as error:
        raise RoadsegError(
            f"{path}: cannot be read ({error.strerror}); delete it and evaluate again"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RoadsegError(
            f"{path}: not an evaluation of this version of roadseg ({error}); delete it and "
            "evaluate again"
        ) from None
