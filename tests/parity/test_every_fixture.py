"""No fixture of a ported system goes without a test."""

from tests.parity.fast_seg_cases import CASES
from tests.parity.semshare_cases import KINDS
from tests.parity.torch_networks import constructor
from tests.support import REPOSITORY, Fixture, parity_fixtures

OURS = REPOSITORY / "tests" / "parity" / "fixtures"
# Systems whose originals are ported whole, and the fixtures that a test reads, by how names begin.
PORTED = (
    "nus-",
    "tfa-",
    "fastseg-",
    "espnet-",
    "semshare-",
    "sfnet-",
    "sgcpnet",
    "pidnet-",
    "ddrnet-",
    "espnetv2",
    "dabnet",
    "train-fastseg-",
    "train-sfnet-",
    "train-pidnet-",
    "train-ddrnet-",
)
READ = (
    "dabnet",
    "ddrnet-23",
    "espnet-published-",
    "espnetv2",
    "fastseg-",
    "nus-aux",
    "nus-deeplab-mnv2",
    "nus-interpolate",
    "nus-targets",
    *(f"pidnet-{kind}" for kind in ("s", "m", "l", "losses", "boundary")),
    *(f"semshare-{kind}" for kind in KINDS),
    "sfnet-",
    "sgcpnet",
    "tfa-ops",
    "train-ddrnet-",
    "train-fastseg-",
    "train-pidnet-",
    "train-sfnet-",
)
# Fixtures of originals without a licence, or for research alone, which are not part of the project:
# read where they lie beside it, and skipped elsewhere.
BESIDE = ("semshare-", "sgcpnet")
# Originals of Fast_Seg that no fixture in the project shows, and why.
NOT_IN_THE_PROJECT = {
    "SwiftNetRes18": "comes after code without a licence; its fixture lies beside the project",
    "PSPNet_res101": "has no fixture; it is PSPNet_res50 with more blocks",
}


def test_there_are_fixtures_where_they_are_looked_for():
    assert parity_fixtures("*.npz"), "no .npz in $ROADSEG_PARITY_DIR or the parity folders"


def test_every_fixture_of_a_ported_system_is_read_by_a_test():
    names = [path.stem for path in parity_fixtures("*.npz")]
    unread = [name for name in names if name.startswith(PORTED) and not name.startswith(READ)]
    assert not unread


def test_every_test_finds_a_fixture_in_the_project_itself():
    names = {path.stem for path in OURS.glob("*.npz")}
    ours = [read for read in READ if not read.startswith(BESIDE)]
    assert not [read for read in ours if not any(name.startswith(read) for name in names)]


def test_fixtures_whose_originals_do_not_allow_it_are_not_in_the_project():
    assert not [path.name for path in OURS.glob("*.npz") if path.name.startswith(BESIDE)]


def test_every_original_of_fast_seg_has_a_fixture_in_the_project_or_a_reason():
    fixtures = [Fixture.load(path) for path in OURS.glob("fastseg-*.npz")]
    shown = {constructor(fixture)[0] for fixture in fixtures if "constructor" in fixture.meta}
    assert shown == set(CASES) - set(NOT_IN_THE_PROJECT)
