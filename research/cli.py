"""The `roadseg` command: finds the sub-command in a table and hands it the rest of the line."""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.command_line.terminated import Terminated, as_interrupt
from roadseg.errors import RoadsegError
from roadseg.files import is_utf8, printable

# Composition happens here and nowhere else: each module is named, and imported only when called.
COMMANDS = {
    "convert": ("roadseg.data_conversion.convert", "raw data set to TFRecords"),
    "inspect": ("roadseg.data_conversion.inspect_records", "class histogram, sizes and previews"),
    "train": ("roadseg.train.command", "train a recipe, or go on with a run"),
    "launch": (
        "roadseg.train.launch.command",
        "train on several machines, or in processes here",
    ),
    "eval": ("roadseg.eval.command", "metrics of a run, once or following its checkpoints"),
    "predict": (
        "roadseg.eval.predict.command",
        "labels and overlays for an image, a folder or a video",
    ),
    "demo": ("roadseg.eval.page.command", "a page that labels what is dropped on it"),
    "submit": (
        "roadseg.eval.submit.command",
        "label maps of the test images, zipped for the server",
    ),
    "report": ("roadseg.eval.report.command", "report.html of one run or several side by side"),
    "compare": (
        "roadseg.eval.compare.command",
        "samplers over seeds, paired, at equal multiply-adds",
    ),
    "benchmark": ("roadseg.eval.benchmark.command", "parameters, multiply-adds and latency"),
    "export": (
        "roadseg.export.command",
        "a network to a SavedModel, ONNX, LiteRT or OpenVINO",
    ),
    "list": ("roadseg.train.list_command", "networks, presets, recipes, data sets, samplers"),
    "import-weights": (
        "roadseg.runs.import_command",
        "a published checkpoint to roadseg weights, or to a run",
    ),
}

# Commands that listen to signals by themselves.
_HEAR_SIGNALS = ("train", "launch", "compare", "demo")
# Options that name files which are only read, as bytes.
_SOURCES = (
    "--source",
    "--images",
    "--list",
    "--classes",
    "--bdd100k",
    "--mapillary",
    "--idd",
    "--cityscapes",
)


def usage() -> str:
    """Return the help of the command as a whole."""
    lines = ["example: roadseg convert cityscapes --source ~/cityscapes --to ~/records", ""]
    lines += ["usage: roadseg COMMAND [options]      (roadseg COMMAND --help for each)", ""]
    lines += [f"  {name:<15}{about}" for name, (_, about) in COMMANDS.items()]
    lines += ["", "  --version      print the version and end"]
    return "\n".join(lines)


def version() -> str:
    """Return the version of the installed package, such as '0.2.0'."""
    from importlib.metadata import version as version_of

    return version_of("roadseg")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sub-command named by `argv` and return the exit status: 0, or 2 for bad input."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments == ["--version"]:
        print(f"roadseg {version()}")
        return 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that are not UTF-8 are shown, not refused
            stream.reconfigure(errors="backslashreplace")
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"error: no command '{name}'; there are: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    quiet_tensorflow()
    try:
        _refuse_old_names(name, rest)
        module = importlib.import_module(COMMANDS[name][0])
        with nullcontext() if name in _HEAR_SIGNALS else as_interrupt():
            return int(module.main(rest) or 0)
    except RoadsegError as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        return error.status
    except BrokenPipeError:  # the reader of a pipe has seen enough
        # Python flushes standard output once more as it ends, which would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # What a shell reports of a process that SIGPIPE ended: 128 + 13.
        return 141
    except OSError as error:
        # The last net for paths that cannot be read or written; a full disk has its own message.
        if error.filename is None:
            raise
        reason = error.strerror or str(error)
        place = printable(os.fsdecode(error.filename))
        print(f"error: {place}: {reason}; check the path and its rights", file=sys.stderr)
        return 2
    except Exception as error:
        # TensorFlow's own writers (event files) have no exception for this but one of many uses.
        if "No space left on device" not in str(error):
            raise
        what = str(error).splitlines()[0].split("}} ")[-1].split(";")[0]
        print(f"error: {what}: the disk is full; free some space, run it again", file=sys.stderr)
        return 2
    except Terminated as error:
        print("terminated", file=sys.stderr)
        return 128 + error.number
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        # 128 + 2, as of one that SIGINT ended.
        return 130


def _refuse_old_names(name: str, arguments: Sequence[str]) -> None:
    """Raise RoadsegError for a folder of records, runs or exports whose name is not UTF-8.

    TensorFlow's files cannot lie there. Sources may be called anything.
    """
    option = ""
    for word in arguments:
        option = word if word.startswith("--") else option
        source = option in _SOURCES or name == "predict" and option == "--to"
        if not is_utf8(word) and not source:
            raise RoadsegError(
                f"{word}: a name that is not UTF-8, which TensorFlow's files need; rename it"
            )


if __name__ == "__main__":
    sys.exit(main())
