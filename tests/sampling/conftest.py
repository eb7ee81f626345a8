"""What of the tests of sampling `make test-jax` runs: one way through each part."""

from pathlib import Path

import keras
import pytest

# The parity tests hold the sampler's numbers on JAX as well. These show that each part computes
# there at all: the solver and its layer, samplers, targets, the segmenter, windows, un-sampling.
ON_EVERY_BACKEND = (
    "test_cells_of_the_grid_hold_equal_masses_and_none_folds",
    "test_the_layer_is_rebuilt_from_its_config",
    "test_every_sampler_gives_projected_grids_of_the_size_asked_for",
    "test_density_sampler_follows_its_network",
    "test_density_targets_in_the_graph_equal_the_native_ones",
    "test_each_map_of_a_batch_is_solved_on_its_own_and_one_without_edges_is_uniform",
    "test_it_is_sampling_the_network_and_unsampling_in_a_row",
    "test_sampling_picks_the_same_pixels_as_a_loop_of_each_image_and_label",
    "test_stitched_views_are_the_image",
    "test_affine_logits_come_back_exactly_where_nothing_folds",
    "test_labels_are_the_best_class_of_the_logits",
    "test_gradients_agree_with_finite_differences",
)


@pytest.hookimpl(tryfirst=True)  # before pytest leaves marked tests out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all but the first case of the tests above to `make test-all`, where JAX computes.

    Whether a backend computes another thing shows in any case; cases are there for our own
    arithmetic, which is the same, and compiling each shape takes most of the time.
    """
    if keras.backend.backend() == "tensorflow":
        return
    waiting = set(ON_EVERY_BACKEND)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            test = item.name.partition("[")[0]
            if test not in waiting:
                item.add_marker(pytest.mark.slow)
            waiting.discard(test)
