"""The sampling network of NUS, the paper's auxiliary network: sees a small image and says where to
sample the large one.

Paper: Marin et al. 2019 (arXiv:1907.07156), where it is two stacked U-Nets; this is the published
code's MobileNetV2 of a quarter width.
Source: dmitrii-marin/adaptive-sampling, commit 95fbcc1e, research/deeplab/nus.py (Apache 2.0).
"""

import keras

from roadseg.backbones.mobilenet_v2 import mobilenet_v2
from roadseg.layers.deeplab_head import deeplab_head
from roadseg.layers.mean_locations import MeanLocations
from roadseg.layers.precision import full_precision
from roadseg.models.deeplabv3_mobilenet_v2 import normalise


def nus_sampler(
    input_size: tuple[int, int] = (64, 64),
    output_stride: int = 8,
    depth_multiplier: float = 0.25,
    dropout: float = 0.1,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, *input_size, 3) to raw sampling grids (batch, h, w, 2).

    Images are RGB, 0..255; without `include_preprocessing` they are (2/255) x - 1 already.
    Grids are (row, column), 0..1 of the image but neither projected to its border nor clipped;
    h, w = input_size // output_stride. Layers to find intermediate values by: `backbone`, `head`,
    `shifts` (what the image adds) and `mean_locations` (the sum, which is the output).
    Raises ValueError when the output stride does not divide the size or leaves a side of 1.
    """
    height, width = input_size
    if height % output_stride or width % output_stride:
        raise ValueError(f"input_size={input_size} is no multiple of output_stride={output_stride}")
    if min(height, width) // output_stride < 2:
        raise ValueError(
            f"input_size={input_size} at output_stride={output_stride} leaves a grid side of 1; "
            "a grid needs two points a side"
        )
    images = keras.Input((height, width, 3), name="image")
    x = normalise(images) if include_preprocessing else images
    features = mobilenet_v2(x, output_stride, depth_multiplier)
    shifts = deeplab_head(features, 2, dropout, name="shifts")
    grid_yx01 = MeanLocations(name="mean_locations", dtype=full_precision())(shifts)
    return keras.Model(images, grid_yx01, name="nus_sampler")
