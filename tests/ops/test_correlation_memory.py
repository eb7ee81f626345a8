"""The memory that the docstring of the cost volume states, measured in processes of their own."""

import os
import subprocess
import sys

import keras
import pytest

from tests.support import REPOSITORY

if keras.backend.backend() != "tensorflow":
    pytest.skip("the figures are TensorFlow's", allow_module_level=True)

MEASURE = """
import sys
import numpy as np
import tensorflow as tf
from roadseg.nus_native.peak_memory import highest_resident, resident
from roadseg.ops.correlation import cost_volume

def run(first, second, gradient):
    if not gradient:
        return cost_volume(first, second)
    with tf.GradientTape() as tape:
        tape.watch((first, second))
        loss = tf.reduce_mean(cost_volume(first, second) ** 2)
    return tape.gradient(loss, (first, second))

gradient = sys.argv[1] == "gradient"
compiled = tf.function(run, autograph=False)
random = np.random.default_rng(0)
tiny, whole = ([tf.constant(random.normal(size=(4, *size, 32)), tf.float32) for _ in range(2)]
               for size in ((6, 8), (244, 384)))
compiled(*tiny, gradient)
before = resident()
compiled(*whole, gradient)
print((highest_resident() - before) / (whole[0].shape.num_elements() * 4))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("what", "stated"), [("costs", 8), ("gradient", 34)])
def test_peak_memory_is_what_is_stated_in_maps_of_the_input(what: str, stated: int) -> None:
    command = [sys.executable, "-c", MEASURE, what]
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=REPOSITORY, check=True, env=os.environ | one
    )
    maps = float(done.stdout)
    assert 0.5 * stated < maps < 1.1 * stated
