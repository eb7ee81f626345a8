"""`roadseg demo` as a command: what it refuses before it loads anything, and that it serves."""

import importlib.util
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.cli import main
from roadseg.errors import RoadsegError
from roadseg.eval.page.command import bound, is_local, need_extra
from tests.eval.page.served import ask, command, halves, label, png
from tests.support import on_tensorflow

REQUESTS = int(os.environ.get("ROADSEG_PAGE_REQUESTS", "200"))


def test_a_missing_extra_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == "uvicorn" else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(RoadsegError, match=r"^demo: uvicorn not installed; pip .*roadseg\[page\]'"):
        need_extra()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "nope/nothing"], "nope/nothing"),
        (["--model", "RUN"], "RUN"),
        (["--beside", "nope/nothing"], "nope/nothing"),
        (["--port", "70000"], "--port 70000: wanted 0 to 65535"),
        (["--host", "no.such.host.invalid"], "--host no.such.host.invalid: no address of this"),
        (["--host", "192.0.2.1"], "--port 8080: cannot listen on 192.0.2.1"),
        (["--max-frames", "0"], "--max-frames 0: wanted a number above 0"),
    ],
)
def test_what_cannot_be_served_is_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "RUN").mkdir()
    words = [str(tmp_path / word) if word == "RUN" else word for word in words]
    assert main(["demo", "--model", "dabnet/cityscapes", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_port_in_use_is_refused_and_0_takes_another() -> None:
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(RoadsegError, match=f"^--port {port}: cannot listen on 127.0.0.1 .*use"):
            bound("127.0.0.1", port)
        with bound("127.0.0.1", 0) as second:
            assert second.getsockname()[1] != port


def test_only_this_machine_is_let_in_by_default() -> None:
    from roadseg.eval.page.command import DemoOptions

    assert is_local(DemoOptions().host)
    assert [is_local(host) for host in ("localhost", "::1", "127.9.9.9")] == [True] * 3
    assert [is_local(host) for host in ("0.0.0.0", "::", "192.0.2.1", "street")] == [False] * 4
    with bound("127.0.0.1", 0) as listening:
        assert listening.family == socket.AF_INET


def resident_mb(process: int) -> float:
    """Return how much memory a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture
def sampled(tmp_path: Path) -> Path:
    """Return the file of a tiny network behind learned sampling."""
    import roadseg
    from roadseg.sampling import SampledSegmenter, make_sampler
    from tests.front_door import my_net

    del roadseg
    segmenter = SampledSegmenter(my_net(4), make_sampler("prior"), size=(24, 32))
    segmenter(np.zeros((1, 48, 64, 3), np.float32))
    segmenter.save(tmp_path / "sampled.keras")
    return tmp_path / "sampled.keras"


@on_tensorflow
@pytest.mark.slow
def test_memory_stays_flat_over_many_visitors(sampled: Path) -> None:
    """Pictures of 20 sizes; after the first quarter the process has all that it ever needs."""
    with command("--model", str(sampled)) as (place, process):
        assert [panel["name"] for panel in json.loads(ask(place, "/about")[1])["panels"]] == [
            "sampled.keras: 24×32 samples, prior",
            "24×32 samples, uniform",
        ]
        held = []
        for number in range(REQUESTS):
            size = 100 + number % 20 * 32, 640 - number % 20 * 16
            lines = label(place, png(halves(*size)), f"{number}.png")
            assert lines[-1] == {"done": True} and len(lines[1]["found"]) == 2
            if number % 10 == 0:
                held.append(resident_mb(process.pid))
        settled, last = max(held[: len(held) // 4]), held[-1]
        print(f"{settled:.0f} MB after {REQUESTS // 4} pictures, {last:.0f} MB at the end")
        assert last < settled + 20
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
