from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.interpolate import griddata
from scipy.spatial import Delaunay

from roadseg.errors import RoadsegError
from roadseg.eval.frames import Frame, batches, central_crop
from roadseg.eval.interpolation import barycentric_transforms, delaunay_labels
from roadseg.eval.job import crop_of
from roadseg.eval.protocols import choose_protocol, mesh_labels, predictor
from roadseg.recipe.protocol import Protocol
from tests.eval.runs import recipe, street
from tests.eval.small_runs import tiny
from tests.support import Fixture, parity_fixtures


def warped_grid(size: int, strength: float, seed: int = 0) -> np.ndarray:
    axis = np.linspace(0, 1, size)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    inside = np.random.default_rng(seed).normal(0, strength, grid.shape)
    return (grid + inside * grid * (1 - grid)).astype(np.float32)


@pytest.mark.parametrize("strength", [0.0, 0.05, 0.6])
def test_delaunay_labels_are_those_of_griddata(strength: float) -> None:
    grid = warped_grid(14, strength)
    logits = np.random.default_rng(1).normal(size=(14, 14, 5)).astype(np.float32)
    size = (67, 45)
    rows, columns = np.mgrid[: size[0], : size[1]]
    points = grid.reshape(-1, 2).astype(np.float64) * (size[0] - 1, size[1] - 1)
    expected = griddata(points, logits.reshape(-1, 5), (rows, columns), method="linear")
    labels = delaunay_labels(logits, grid, size)
    ranked = np.sort(expected, axis=-1)
    clear = ranked[..., -1] - ranked[..., -2] > 1e-9
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(labels[clear], expected.argmax(-1)[clear])


def test_delaunay_labels_are_the_published_ones() -> None:
    fixtures = [Fixture.load(path) for path in parity_fixtures("nus-interpolate*.npz")]
    cases = [(fixture, case["name"]) for fixture in fixtures for case in fixture.meta["cases"]]
    assert cases
    for fixture, name in cases:
        parts = ("values", "locations", "interpolated")
        logits, grid, expected = (fixture.arrays[f"{name}/{part}"] for part in parts)
        labels = delaunay_labels(logits, grid, expected.shape[:2])
        ranked = np.sort(expected, axis=-1)
        clear = ranked[..., -1] - ranked[..., -2] > 1e-5
        np.testing.assert_array_equal(labels[clear], expected.argmax(-1)[clear], err_msg=name)


def test_transforms_are_those_of_scipy() -> None:
    triangles = Delaunay(warped_grid(9, 0.3).reshape(-1, 2).astype(np.float64))
    ours = barycentric_transforms(triangles)
    np.testing.assert_allclose(ours, triangles.transform, rtol=1e-9, atol=1e-12)


def test_the_central_crop_of_cityscapes_is_the_middle_square() -> None:
    columns = np.broadcast_to(np.arange(2048), (1024, 2048))
    crop = central_crop(columns, (1024, 1024), 255)
    assert crop.shape == (1024, 1024) and (crop[0, 0], crop[0, -1]) == (512, 1535)


def test_a_small_image_is_padded_below_and_on_the_right() -> None:
    image = np.full((3, 4, 3), 10, np.uint8)
    padded = central_crop(image, (5, 4), 127.5)
    assert padded.dtype == np.float32 and (padded[3:] == 127.5).all() and (padded[:3] == 10).all()
    label = central_crop(np.zeros((3, 4), np.uint8), (5, 6), 255)
    assert label.dtype == np.uint8 and (label[:3, :4] == 0).all() and (label == 255).sum() == 18


def test_batches_hold_images_of_one_shape_in_order() -> None:
    shapes = [(4, 4), (4, 4), (4, 4), (4, 6), (4, 4)]
    frames = [Frame(str(n), np.zeros((*s, 3)), np.zeros(s)) for n, s in enumerate(shapes)]
    names = [[frame.name for frame in batch] for batch in batches(iter(frames), 2)]
    assert names == [["0", "1"], ["2"], ["3"], ["4"]]


@pytest.mark.parametrize(
    ("protocol", "sampler", "interpolation", "crop"),
    [
        ("nus", "uniform", "delaunay", (48, 48)),
        ("cityscapes", "uniform", "graph", None),
        ("nus", "none", "none", (48, 48)),
        (None, "nus", "graph", None),
    ],
)
def test_the_usual_choices_follow_from_protocol_and_recipe(
    protocol: str | None, sampler: str, interpolation: str, crop: tuple[int, int] | None
) -> None:
    of = recipe(Path("records"), sampling={"kind": sampler})
    chosen = choose_protocol(of, protocol)
    assert (chosen.interpolation, crop_of(chosen, of)) == (interpolation, crop)
    assert chosen.label == chosen.name


def test_an_unusual_interpolation_gets_a_name_of_its_own() -> None:
    chosen = choose_protocol(recipe(Path("records")), "nus", {"interpolation": "mesh"})
    assert chosen.label == "nus-mesh"


@pytest.mark.parametrize(
    ("values", "protocol", "interpolation", "message"),
    [
        ({}, "kitti", None, "no protocol 'kitti'; there are: cityscapes, nus"),
        ({}, "nus", "cubic", "--interpolation cubic: there are auto, none, graph"),
        ({"sampling.kind": "none"}, "nus", "mesh", "interpolation 'mesh': this run has no"),
        ({"task": "sampling_grid"}, "cityscapes", None, "use --protocol nus"),
    ],
)
def test_choices_that_do_not_fit_are_refused(
    values: dict, protocol: str, interpolation: str | None, message: str
) -> None:
    with pytest.raises(RoadsegError, match=message):
        changes = {} if interpolation is None else {"interpolation": interpolation}
        choose_protocol(recipe(Path("records"), **values), protocol, changes)


def test_mesh_and_delaunay_agree_on_affine_logits() -> None:
    grid = warped_grid(17, 0.02)
    rows, columns = grid[..., 0], grid[..., 1]
    logits = np.stack([rows, columns, 1 - rows - columns], axis=-1).astype(np.float32)
    size = (50, 70)
    different = mesh_labels(logits, grid, size) != delaunay_labels(logits, grid, size)
    assert different.mean() < 2e-3


@pytest.mark.parametrize("size", [(48, 48), (48, 150), (61, 40)])
def test_the_native_way_labels_like_the_graph_through_any_views(size: tuple[int, int]) -> None:
    from roadseg.sampling import SampledSegmenter

    keras.utils.set_random_seed(3)
    segmenter = SampledSegmenter(tiny(4, stride=2), "uniform", 16, window=(48, 48), method="mesh")
    images = np.stack([street(seed, size)[0] for seed in (0, 1)]).astype(np.uint8)
    graph, native = (
        np.stack(
            [pending() for pending in predictor(segmenter, Protocol(interpolation=way))(images)]
        )
        for way in ("graph", "mesh")
    )
    assert graph.shape == native.shape == (2, *size)
    assert len(np.unique(graph)) > 1
    assert (graph != native).mean() < 2e-3
