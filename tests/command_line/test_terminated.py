"""SIGTERM and SIGHUP end a command as Ctrl-C does, with nothing half-written left behind."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from roadseg import cli
from roadseg.command_line.terminated import SIGNALS, Terminated, as_interrupt
from roadseg.files import write_file
from roadseg.folders import replace_folder
from tests.data_conversion.support import small_cityscapes


@pytest.mark.parametrize("number", SIGNALS)
def test_a_conversion_that_is_ended_leaves_nothing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from roadseg.data_conversion.write import examples

    signal.signal(number, signal.SIG_DFL)  # nohup, which may run this, has SIGHUP ignored
    original, killed = examples.read_image, []

    def read_image(*arguments: Any) -> Any:
        if not killed:
            killed.append(os.kill(os.getpid(), number))
        return original(*arguments)

    monkeypatch.setattr(examples, "read_image", read_image)
    city, to = small_cityscapes(tmp_path / "city"), tmp_path / "to"
    status = cli.main(["convert", "cityscapes", "--source", str(city), "--to", str(to)])
    assert status == 128 + number
    assert capsys.readouterr().err.splitlines()[-1] == "terminated"
    assert not any(to.iterdir())
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("write", [replace_folder, write_file])
def test_what_is_being_written_is_removed(write: Any, tmp_path: Path) -> None:
    def killed(place: Any) -> None:
        if isinstance(place, Path):
            (place / "model.onnx").touch()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    with pytest.raises(Terminated), as_interrupt():
        write(tmp_path / "export", killed)
    assert not any(tmp_path.iterdir())


class Dying:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)


def test_a_signal_that_strikes_where_python_drops_exceptions_is_heard_all_the_same(
    capsys: Any,
) -> None:
    before = sys.unraisablehook
    with pytest.raises(Terminated), as_interrupt():
        Dying()
        time.sleep(10)
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook is before


def test_what_a_library_makes_of_the_signal_is_the_signal_all_the_same() -> None:
    with pytest.raises(Terminated) as caught, as_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        except KeyboardInterrupt:
            raise TypeError("a layer was called with None") from None
    assert caught.value.number == signal.SIGTERM
    with pytest.raises(TypeError), as_interrupt():
        raise TypeError("no signal")


def test_handlers_of_others_are_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: heard.append(number))
    try:
        with as_interrupt():
            os.kill(os.getpid(), signal.SIGHUP)
        assert heard == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_takes_no_signals() -> None:
    found: list[Any] = []

    def run() -> None:
        with as_interrupt():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]
