"""Flows at another size, and images moved by them."""

import numpy as np
import pytest
from keras import ops

from roadseg.ops.flow import resize_flow, warp_by_flow

ONES = np.ones((1, 2, 3, 2), np.float32)


@pytest.mark.parametrize(("swapped", "expected"), [(True, (4, 2)), (False, (2, 4))])
def test_a_resized_flow_is_in_pixels_of_its_new_size(swapped, expected) -> None:
    found = ops.convert_to_numpy(resize_flow(ONES, (8, 6), swapped=swapped))
    assert found.shape == (1, 8, 6, 2)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_image_moves_against_the_flow_it_is_read_along(sign) -> None:
    image = np.arange(20, dtype=np.float32).reshape(1, 4, 5, 1)
    flow = np.zeros((1, 4, 5, 2), np.float32)
    flow[..., 0] = 2  # to the right
    found = ops.convert_to_numpy(warp_by_flow(image, flow, sign))
    kept = image[:, :, 2:] if sign == 1 else image[:, :, :-2]
    zeros = np.zeros((1, 4, 2, 1))
    expected = [kept, zeros] if sign == 1 else [zeros, kept]
    np.testing.assert_allclose(found, np.concatenate(expected, axis=2))
