"""One disturbance of each kind for each stage; `make chaos` makes a hundred."""

from pathlib import Path

import pytest

from tests.chaos.disk import build, compiler
from tests.chaos.disturb import Chaos
from tests.chaos.schedule import KINDS, schedule
from tests.chaos.stages import STAGES


@pytest.mark.slow
def test_disturbed_commands_make_what_undisturbed_ones_make(tmp_path: Path) -> None:
    if compiler() is None:
        pytest.skip("no C compiler")
    names, number = tuple(STAGES), len(STAGES) * len(KINDS)
    outcome = Chaos(tmp_path / "chaos", build(tmp_path)).run(schedule(number, 0, names), names)
    assert outcome.faults == []
    assert sum(outcome.survived.values()) + outcome.late >= number
    assert set(outcome.compared) == set(names)
