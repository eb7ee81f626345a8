"""Networks of Fast_Seg give what the originals gave, to the tolerance of each fixture."""

from tests.parity.fast_seg_cases import CASES
from tests.parity.originals import AgreesWithOriginals, CountsAsPublished, originals
from tests.support import parity_fixtures

NO_NETWORK = ("fastseg-losses",)
FIXTURES = [
    path for path in parity_fixtures("fastseg-*.npz") if not path.stem.startswith(NO_NETWORK)
]

original = originals(FIXTURES, CASES)


class TestFastSeg(AgreesWithOriginals, CountsAsPublished):
    """Each network agrees, and has as many parameters."""
