"""No fixture of a ported system goes without a test."""

from tests.support import REPOSITORY, parity_fixtures

# Systems whose originals are ported whole, and the fixtures that a test reads, by how names begin.
PORTED = ("nus-", "tfa-", "fastseg-losses", "train-fastseg-")
READ = (
    "fastseg-losses",
    "nus-aux",
    "nus-deeplab-mnv2",
    "nus-interpolate",
    "nus-targets",
    "tfa-ops",
    "train-fastseg-",
)


def test_there_are_fixtures_where_they_are_looked_for():
    assert parity_fixtures("*.npz"), "no .npz in $ROADSEG_PARITY_DIR or the parity folders"


def test_every_fixture_of_a_ported_system_is_read_by_a_test():
    names = [path.stem for path in parity_fixtures("*.npz")]
    unread = [name for name in names if name.startswith(PORTED) and not name.startswith(READ)]
    assert not unread


def test_every_test_finds_a_fixture_in_the_project_itself():
    names = {path.stem for path in (REPOSITORY / "tests" / "parity" / "fixtures").glob("*.npz")}
    assert not [read for read in READ if not any(name.startswith(read) for name in names)]
