"""Where results go: a JSON file each, a line in metrics.jsonl, TensorBoard, and best.json."""

import json
import math
import time
from pathlib import Path
from typing import Any

from roadseg.eval.evaluation import Evaluation
from roadseg.eval.results.base import BaseResult
from roadseg.eval.results.density import DensityResult
from roadseg.eval.results.sampling_grid import SamplingGridResult
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.results.two_cameras import FlowResult, TwoCameraResult
from roadseg.files import parse_json, write_text
from roadseg.regular_files import read_regular
from roadseg.runs.lock import alone_with
from roadseg.runs.run_folder import RunFolder

LOWER_IS_BETTER = frozenset({"mse", "cross_entropy", "epe", "photometric"})


def store_result(evaluation: Evaluation, result: BaseResult, seconds: float) -> Path:
    """Write `result` everywhere it belongs and return its JSON file.

    The JSON file comes last: once it is there the step counts as evaluated, and whoever was killed
    before that evaluates it again. Raises RoadsegError where the disk is full.
    """
    run = evaluation.run
    scalars = scalar_values(result)
    event = {
        "event": "evaluation",
        "time": time.time(),
        "step": result.step,
        "split": result.split,
        "protocol": result.protocol.label,
        "images": result.images,
        "limit": result.limit,
        "sampler": result.sampler,
        "seconds": round(seconds, 3),
    }
    finite = {name: None if math.isnan(value) else value for name, value in scalars.items()}
    _write_tensorboard(run.tensorboard(evaluation.folder.name), result.step, scalars)
    # A part of the split, the training images, or another sampler say nothing about what is best.
    own = not result.sampler
    if own and result.limit is None and result.split != evaluation.run.recipe.split:
        update_best(run, result)
    run.append_metrics(event | finite)
    path = evaluation.result_path(result.step)
    write_text(path, result.to_json())
    return path


def scalar_values(result: BaseResult) -> dict[str, float]:
    """Return the scores of `result` that make a curve, by name."""
    if isinstance(result, FlowResult | TwoCameraResult | DensityResult):
        return result.scalars()
    if isinstance(result, SamplingGridResult):
        return {
            "mse": result.mse,
            "mse_projected": result.mse_projected,
            "mse_uniform": result.mse_uniform,
        }
    assert isinstance(result, SegmentationResult)
    scalars = {
        "miou": result.miou,
        "miou_absent_zero": result.miou_absent_zero,
        "miou_absent_one": result.miou_absent_one,
        "miou_with_void": result.miou_with_void,
        "miou_target": result.miou_target,
        "pixel_accuracy": result.pixel_accuracy,
        "mean_class_accuracy": result.mean_class_accuracy,
        "frequency_weighted_iou": result.frequency_weighted_iou,
    }
    for name, bands in (("boundary", result.boundary), ("boundary_target", result.boundary_target)):
        scalars |= {f"{name}_accuracy_{band.radius_px}px": band.accuracy for band in bands}
    for score in result.boundary_f or []:
        scalars[f"boundary_f_{score.threshold:g}"] = score.score
    return scalars


def update_best(run: RunFolder, result: BaseResult) -> bool:
    """Write `result` to best.json if it is the best so far; return whether it was.

    Metrics compare within one split and protocol: best.json belongs to the kind of evaluation
    that wrote it first, and results of another kind leave it alone. A tie keeps the earlier step.
    """
    metric, value = result.main_metric
    best = {
        "step": result.step,
        "metric": metric,
        "value": value,
        "split": result.split,
        "protocol": result.protocol.label,
    }
    # Two evaluations may follow one run: neither compares with a best that the other replaces.
    with alone_with(run.path / "metrics.jsonl"):
        if math.isnan(value) or not _improves(best, _read_best(run)):
            return False
        write_text(run.path / "best.json", json.dumps(best, indent=1) + "\n")
        return True


def _read_best(run: RunFolder) -> dict[str, Any] | None:
    """Return best.json, or None if it is absent, damaged or names no number."""
    try:
        best = parse_json(read_regular(run.path / "best.json"))
        float(best["value"])
        int(best["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return best


def _improves(new: dict[str, Any], old: dict[str, Any] | None) -> bool:
    if old is None:
        return True
    kind = ("metric", "split", "protocol")
    if any(old.get(name, new[name]) != new[name] for name in kind):
        return False
    better = new["value"] - float(old["value"])
    return better < 0 if new["metric"] in LOWER_IS_BETTER else better > 0


def _write_tensorboard(folder: Path, step: int, scalars: dict[str, float]) -> None:
    """Add the scalars to the event files of `folder`, mIoU under its published tag."""
    import tensorflow as tf

    with tf.summary.create_file_writer(str(folder)).as_default(step=step) as writer:
        for name, value in scalars.items():
            if not math.isnan(value):
                tf.summary.scalar("miou_1.0" if name == "miou" else name, value)
        writer.close()
