"""PIDNet, DDRNet, ESPNetv2 and DABNet give what the originals gave, within the fixtures' bounds."""

from tests.parity.originals import AgreesWithOriginals, CountsAsPublished, originals
from tests.parity.real_time_cases import CASES
from tests.support import parity_fixtures

FAMILIES = ("pidnet", "ddrnet", "espnetv2", "dabnet")
NO_NETWORK = ("pidnet-losses", "pidnet-boundary", "espnetv2-published", "dabnet-published")
FIXTURES = [
    path
    for family in FAMILIES
    for path in parity_fixtures(f"{family}*.npz")
    if not path.stem.startswith(NO_NETWORK)
]

original = originals(FIXTURES, CASES)


class TestRealTimeNetworks(AgreesWithOriginals, CountsAsPublished):
    """Each network agrees, and has as many parameters."""
