"""Logits of one image averaged over tiles, scales and its mirror image, as originals do."""

import numpy as np

from roadseg.inference.class_logits import ClassLogits, check_sides
from roadseg.inference.routines import Pass, averaging_of
from roadseg.recipe.protocol import Protocol


def averaged_logits(image: np.ndarray, logits_of: ClassLogits, protocol: Protocol) -> np.ndarray:
    """Return class logits (height, width, classes) float32 of one image, as `protocol` asks.

    image: (height, width, 3), 0..255, any type. For each scale the image is resized, shown to the
    network whole or in tiles, its logits resized to the size of the image, and with `flip`
    averaged with those of the mirrored image; then logits, not probabilities, are averaged over
    scales. `routines` says how the originals resize.
    Fast_Seg resizes the normalised image; normalisation is affine in each channel and the weights
    of a resize add up to 1, so resizing before it gives the same.
    Memory: the sum, the logits of one pass, and what upsampling them needs. Measured for 19 classes
    at 1024x2048 (159 MB of logits) with Fast-SCNN, network included: 1.1 GB mirrored, 1.2 GB in
    tiles of 832, 2.2 GB in tiles at scales up to 1.25.
    Raises RoadsegError for sizes that the network does not take.
    Source: lxtGH/Fast_Seg 7895738, val.py. Its sliding mode ignores scales and flips; its resize
    (SciPy's zoom) blackens the last row or column of some sizes (1024 to 768) by rounding.
    """
    size = image.shape[0], image.shape[1]
    routine = averaging_of(protocol)
    total = np.zeros((0, 0, 0), np.float32)
    passes = 0
    for scale, target in zip(protocol.factors, protocol.sizes(size), strict=True):
        shown = routine.resized(image, target)
        for mirrored in (False, True)[: 1 + protocol.flip]:
            one = Pass(shown[:, ::-1] if mirrored else shown, scale, size)
            logits = routine.logits(one, logits_of, protocol)
            logits = logits[:, ::-1] if mirrored else logits
            if passes:
                total += logits
            else:
                # A copy: the sum is made in place.
                total = np.array(logits)
            passes += 1
    total /= passes
    return total


def check_tile(protocol: Protocol, logits_of: ClassLogits) -> None:
    """Raise RoadsegError unless the network takes tiles of the size that `protocol` names.

    Tiles of sfsegnets follow scale and image; each is checked, or padded, as it comes.
    """
    if protocol.tile and protocol.averaging != "sfsegnets":
        option = f"--tile {protocol.tile}"
        check_sides((protocol.tile, protocol.tile), logits_of.multiple, logits_of.name, option)
