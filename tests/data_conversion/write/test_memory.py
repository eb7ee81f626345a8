"""A conversion needs no more memory for many images than for some."""

from pathlib import Path

import pytest

from tests.data_conversion.measure import conversion


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path):
    # 0.5 MB of pixels each: 900 more images that were kept would be 450 MB.
    some, many = (conversion(tmp_path, images, (256, 512), cores=2) for images in (100, 1000))
    assert many.peak - some.peak < 50e6
