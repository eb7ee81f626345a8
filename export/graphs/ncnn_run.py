"""Runs a model of ncnn in a process of its own, which ncnn ends where it cannot run a graph."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np


def labels_apart(folder: Path, planes: np.ndarray) -> np.ndarray:
    """Return `labels` of a process that is started for it.

    Raises BrokenProcessPool where ncnn ended that process.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(labels, folder, planes).result()


def labels(folder: Path, planes: np.ndarray) -> np.ndarray:
    """Return the best class of each pixel, (height, width), by model.ncnn.param and .bin.

    planes: RGB 0..255 (3, height, width) float32. Raises ValueError for files that ncnn refuses.
    """
    import ncnn

    network = ncnn.Net()
    # In half precision a few labels in a thousand are others.
    network.opt.use_fp16_packed = network.opt.use_fp16_storage = False
    network.opt.use_fp16_arithmetic = network.opt.use_bf16_storage = False
    for load, kind in ((network.load_param, "param"), (network.load_model, "bin")):
        if load(str(folder / f"model.ncnn.{kind}")) != 0:
            raise ValueError(f"ncnn does not read model.ncnn.{kind}")
    call = network.create_extractor()
    call.input("in0", ncnn.Mat(planes))
    status, logits = call.extract("out0")
    if status != 0:
        raise ValueError(f"ncnn: status {status}")
    found: np.ndarray = np.array(logits).argmax(axis=0)
    return found
