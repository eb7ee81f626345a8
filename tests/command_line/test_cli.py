"""The command as a whole: help, unknown commands, and bad input on one line."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from roadseg import cli


def test_help_begins_with_an_example_and_names_every_command(capsys):
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("example: roadseg ")
    assert all(f"  {name}" in printed for name in cli.COMMANDS)


def test_the_version_is_printed_without_a_framework():
    script = "import sys; from roadseg.cli import main; main(['--version'])\n"
    script += "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"roadseg {version('roadseg')}", "[]"], done.stderr


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_help_of_each_command_begins_with_an_example(name, capsys):
    try:
        assert cli.main([name, "--help"]) == 0
    except SystemExit as stop:
        assert stop.code == 0
    assert capsys.readouterr().out.startswith(f"example: roadseg {name} ")


def test_an_unknown_command_names_those_there_are(capsys):
    assert cli.main(["evaluate"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: no command 'evaluate'") and "eval" in message


def test_bad_input_is_one_line_and_status_2(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-m", "roadseg.cli", "eval", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert str(tmp_path / "nowhere") in lines[0]


def test_tensorflow_starts_without_a_word():
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    script = "\n".join(
        [
            "from roadseg.command_line.quiet import quiet_tensorflow",
            "quiet_tensorflow()",
            "import tensorflow",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_an_error_of_the_system_names_its_file_without_a_traceback(monkeypatch, capsys):
    def fail(name):
        raise PermissionError(13, "Permission denied", "/data/x")

    monkeypatch.setattr(cli.importlib, "import_module", fail)
    assert cli.main(["report"]) == 2
    assert capsys.readouterr().err == (
        "error: /data/x: Permission denied; check the path and its rights\n"
    )


def test_a_full_disk_under_tensorboard_is_one_line(monkeypatch, capsys):
    def fail(name):
        raise RuntimeError("{{function_node f}} run/events.v2; No space left on device\n\tmore")

    monkeypatch.setattr(cli.importlib, "import_module", fail)
    assert cli.main(["train"]) == 2
    assert capsys.readouterr().err == (
        "error: run/events.v2: the disk is full; free some space, run it again\n"
    )
