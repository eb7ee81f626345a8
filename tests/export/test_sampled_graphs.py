"""ONNX graphs of models that sample: as few nodes as their steps need, and what Keras gives."""

import importlib.util

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)
if not all(importlib.util.find_spec(module) for module in ("onnx", "onnxruntime")):
    pytest.skip("onnx or onnxruntime not installed (an extra)", allow_module_level=True)

import onnxruntime

from roadseg.export.converters import labels_function, sampled_differences
from roadseg.export.graphs import trial
from roadseg.export.graphs.graph import Graph, Node, UnsupportedError, Value
from roadseg.export.graphs.network import _written, labels_graph
from roadseg.export.graphs.passes import make_lean
from roadseg.export.graphs.sampled import _side
from roadseg.export.graphs.sizes import FLOAT, INT32
from roadseg.export.graphs.solver import _without_folds, solved_grid
from roadseg.export.graphs.unsample import Samples, _least_from, labels
from roadseg.export.interface import Interface
from roadseg.export.trial_images import trial_images
from roadseg.models.density_sampler import prior_sampler
from roadseg.sampling import SampledSegmenter
from roadseg.sampling.density import PreviousSampler, PriorSampler
from roadseg.sampling.equidistribution import SMOOTH, Equidistribution
from roadseg.sampling.folds import without_folds
from roadseg.sampling.grid import uniform_grid
from roadseg.sampling.nus import NusSampler
from roadseg.sampling.sampler import ExactSampler
from roadseg.sampling.unsample import unsample
from tests.export.support import small_density, small_network, small_segmenter
from tests.sampling.support import folded_grid, smooth_grid

SIZE, SAMPLES = (61, 93), (24, 32)
# Of the solver's steps 23 each; the way in and the way back are a hundred.
NODES = 440


def prior() -> PriorSampler:
    """Return a sampler of one uneven density."""
    network = prior_sampler((4, 6))
    cells = np.random.default_rng(0).normal(0, 1.5, (4, 6))
    network.get_layer("prior").set_weights([cells])
    return PriorSampler(network)


def folded() -> NusSampler:
    """Return a sampler whose grid folds along rows and columns, and leaves the image."""
    images = keras.Input((16, 16, 3))
    coarse = keras.layers.AveragePooling2D(4)(images)
    points = keras.layers.Conv2D(2, 1)(coarse)
    network = keras.Model(images, points)
    random = np.random.default_rng(0)
    kernel = random.normal(0, 2e-3, (1, 1, 3, 2))
    network.layers[-1].set_weights([kernel, np.array([0.5, 0.5])])
    return NusSampler(network)


# What each case samples by, and through which window.
CASES = {
    "density": (small_density, None),
    "nus": (folded, None),
    "prior": (prior, None),
    "uniform": (lambda: "uniform", None),
    "previous": (lambda: PreviousSampler(prior()), None),
    "windows": (small_density, (48, 32)),
    "one window": (folded, (60, 93)),
}


def segmenter(case: str) -> SampledSegmenter:
    """Return a network of five classes, all of which it finds, behind the sampler of a case."""
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(images)
    network = keras.Model(images, keras.layers.Conv2D(5, 1)(x))
    trial.make_lively(network, trial_images(network, (), SAMPLES)[0])
    made, window = CASES[case]
    return SampledSegmenter(network, made(), SAMPLES, window=window)


def run(graph, image):
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"image": image}), strict=True))


def cases_and_sizes():
    """Return each case at one size and at any."""
    pairs = ((case, size) for case in CASES for size in (SIZE, None))
    return [(case, size) for case, size in pairs if size or not CASES[case][1]]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "size"), cases_and_sizes())
def test_a_model_that_samples_gives_what_keras_gives(case, size):
    model = segmenter(case)
    graph, reference = labels_graph(model, size), labels_function(model, size)
    images = trial_images(model, (), SIZE)
    for image in images if size else [np.concatenate(images)]:
        found = run(graph, image)
        expected = {name: value.numpy() for name, value in reference(image).items()}
        assert list(found)[0] == "labels" and len(np.unique(found["labels"])) > 3
        assert {name: x.shape for name, x in found.items()} == {
            name: x.shape for name, x in expected.items()
        }
        for name, (away, allowed) in sampled_differences(model, found, image).items():
            assert away <= allowed, name
        # A location that is rounded to the pixel beside shows the network another colour.
        assert np.mean(found["labels"] != expected["labels"]) <= 0.005


def found_by(graph, name, shape):
    """Return the value `name` of a graph that takes nothing, as an array."""
    graph.nodes.append(Node("Identity", [name], ["found"]))
    make_lean(graph, ["found"])
    kind = INT32 if len(shape) == 3 else FLOAT
    graph = _written(graph, "part", [("image", 2, [1, 1, 1, 3])], [("found", kind, list(shape))])
    return run(graph, np.zeros((1, 1, 1, 3), np.uint8))["found"]


# Above three classes, some between two grid rows are not looked for.
@pytest.mark.parametrize(("classes", "others"), [(3, 0), (7, 0.01)])
@pytest.mark.parametrize("grid_of", [smooth_grid, folded_grid])
def test_labels_written_where_they_change_are_those_of_unsampling(grid_of, classes, others):
    grid = np.concatenate([grid_of(16, seed) for seed in (0, 1)])
    logits = np.random.default_rng(0).normal(size=(2, 16, 16, classes)).astype(np.float32)
    graph = Graph()
    places = graph.constant(grid * np.array(SIZE, np.float32) - grid)
    samples = Samples(graph.constant(logits), places, (16, 16), graph.integers(2))
    found = labels(graph, samples, *(_side(graph, side) for side in SIZE))
    found = graph.node("Squeeze", [found, graph.integers(3)])
    expected = keras.ops.convert_to_numpy(unsample(logits, grid, SIZE, argmax=True, skip=False))
    assert len(np.unique(expected)) == classes
    assert np.mean(found_by(graph, found, (2, *SIZE)) != expected) <= max(others, 1e-3)


@pytest.mark.parametrize("count", [2, 3, 7, 16, 97])
def test_the_least_of_all_that_follow_is_found_for_any_number_of_points(count):
    lines = np.random.default_rng(count).normal(size=(2, 1, count, 5)).astype(np.float32)
    graph = Graph()
    least = _least_from(graph, graph.constant(lines), count)
    expected = np.minimum.accumulate(lines[:, :, ::-1], axis=2)[:, :, ::-1]
    np.testing.assert_array_equal(found_by(graph, least, lines.shape), expected)


def test_a_density_is_solved_as_the_layer_solves_it():
    logits = np.random.default_rng(1).normal(0, 2, (2, 4, 6)).astype(np.float32)[[0, 1, 1]]
    # Steps of the others would turn cells over, and are halved.
    logits[1:, 2, 3] = 5, 10
    layer = Equidistribution(0.9, **SMOOTH)
    shares = np.exp(logits) / np.exp(logits).sum(axis=(1, 2), keepdims=True)
    for solver in (layer, Equidistribution(0.9, **(SMOOTH | {"iterations": 3}))):
        graph = Graph()
        name = graph.constant(logits[:, None])
        found, shape = solved_grid(graph, Value(name, (3, 4, 6, 1)), solver)
        expected = keras.ops.convert_to_numpy(solver(shares))
        found = found_by(graph, found, (3, 2, *shape[1:3])).transpose(0, 2, 3, 1)
        assert found.shape == expected.shape
        moved = np.abs(expected - uniform_grid(shape[1:3])).max(axis=(1, 2, 3))
        assert (moved > 0.1).all()
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_grid_that_folds_goes_as_far_as_in_the_layer():
    points = (5, 7)
    rest = np.asarray(uniform_grid(points))
    bent = np.stack([rest] * 4)
    # By parts of a cell: not at all, over the next point, twice and more than twice as far.
    bent[:, 2, 3, 1] += np.array([0.9, 1.1, 1.9, 2.5], np.float32) / 6
    expected = np.asarray(without_folds(bent))
    moved = (expected - rest)[:, 2, 3, 1] * 6
    np.testing.assert_allclose(moved, [0.9, 0.85 * 1.1, 0.5 * 1.9, 0], atol=1e-5)
    graph = Graph()
    name = graph.constant(2 * bent.transpose(0, 3, 1, 2) - 1)
    found = found_by(graph, _without_folds(graph, name, points), (4, 2, *points))
    np.testing.assert_allclose((found.transpose(0, 2, 3, 1) + 1) / 2, expected, atol=1e-6)


def test_a_sampler_takes_a_tenth_of_the_nodes_of_its_operations():
    model = segmenter("density")
    for size in (SIZE, None):
        counts = trial.counted(labels_graph(model, size))
        assert sum(counts.values()) <= NODES
        # Those of the network, those of the sampler, and the areas of its cells.
        sampler = trial.convolutions_of(model.sampler.network)
        assert counts["Conv"] == trial.convolutions_of(model.network) + sampler + 1


@pytest.mark.parametrize(
    ("change", "size", "reason"),
    [
        ({"method": "mesh"}, SIZE, "un-sampling by mesh"),
        ({"window": (48, 64)}, None, "windows over images of any size"),
        ({"sampler": ExactSampler()}, SIZE, "sampler 'exact'"),
    ],
)
def test_what_nobody_writes_of_a_sampled_model_is_named(change, size, reason):
    options = {"sampler": "uniform", "size": SAMPLES, **change}
    with pytest.raises(UnsupportedError, match=reason):
        labels_graph(SampledSegmenter(small_network(), **options), size)


def test_other_outputs_of_a_sampled_model_are_left_to_the_converter():
    model = SampledSegmenter(small_network(), "uniform", SAMPLES)
    with pytest.raises(UnsupportedError, match="more than labels of RGB images"):
        labels_graph(model, SIZE, Interface(("labels", "confidence")))


def test_a_window_as_large_as_the_image_says_where_it_was_sampled():
    model = small_segmenter((64, 96))
    found = run(labels_graph(model, (64, 96)), np.zeros((1, 64, 96, 3), np.uint8))
    np.testing.assert_array_equal(found["window_locations"], found["locations"][:, 0])
