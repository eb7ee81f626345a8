"""How a data set is cut into shards, and the version that its records are of."""

import math

from roadseg.data_conversion.raw.source import Pair

VERSION = "1.0.0"


def shard_parts(pairs: tuple[Pair, ...], shards: int) -> list[tuple[Pair, ...]]:
    """Return the pairs in at most `shards` consecutive parts of ceil(n / shards), none empty."""
    length = math.ceil(len(pairs) / shards)
    return [pairs[start : start + length] for start in range(0, len(pairs), length)]
