"""`roadseg demo`: serves a page that labels the pictures and short videos dropped on it."""

import dataclasses
import importlib.util
import ipaddress
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roadseg.command_line import arguments
from roadseg.errors import RoadsegError
from roadseg.eval.page.limits import Limits
from roadseg.inference.runtime_files import is_export
from roadseg.runs.run_folder import RunFolder
from roadseg.weights.presets import find_preset

EXAMPLE = """roadseg demo --model dabnet/cityscapes --port 9000
roadseg demo --model runs/density --beside runs/uniform"""
NEEDED = ("starlette", "uvicorn")
# Seconds that visitors of a page that is being ended get for what they are looking at.
_GRACE_S = 2
_QUEUE = 64  # connections that the system keeps until they are taken


@dataclasses.dataclass(frozen=True)
class DemoOptions:
    """Serve a page that shows the labels of pictures and short videos dropped on it.

    Nothing leaves this machine, and no upload is kept.
    """

    model: Annotated[str | None, tyro.conf.arg(metavar="MODEL")] = None
    """A preset (roadseg list presets), a run, a folder that `roadseg export` wrote, or a .keras
    file. Default: the network that comes with the package."""
    step: int | Literal["best", "last"] = "last"
    """Checkpoint of the run."""
    beside: Annotated[str | None, tyro.conf.arg(metavar="MODEL")] = None
    """Another to show beside it. Default: of a run that samples, its network on even samples."""
    weights_folder: Path | None = None
    """Where presets' weights are looked for first (default: $ROADSEG_WEIGHTS)."""
    host: str = "127.0.0.1"
    """Address to listen on; by default only this machine can open the page."""
    port: int = 8080
    """Port to listen on; 0: any that is free."""
    limits: Annotated[Limits, tyro.conf.arg(name="")] = Limits()


def main(argv: Sequence[str]) -> int:
    """Serve the page until a signal ends it; return the exit status."""
    options = arguments.parse(DemoOptions, argv, command="demo", example=EXAMPLE)
    need_extra()
    refuse_early(options)
    # Before the networks are loaded: a port that is taken is said at once.
    listening = bound(options.host, options.port)
    with listening:
        serve(options, listening)
    return 0


def need_extra() -> None:
    """Raise RoadsegError, naming the extra, unless what serves the page is installed."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise RoadsegError(f"demo: {', '.join(absent)} not installed; pip install 'roadseg[page]'")


def refuse_early(options: DemoOptions) -> None:
    """Raise RoadsegError for models that are not there, before a framework is loaded."""
    for model in filter(None, (options.model, options.beside)):
        path = Path(model).expanduser()
        if not path.exists():
            find_preset(model)
        elif path.is_dir() and not is_export(path):
            RunFolder(path).check(_step(options) if model == options.model else None)


def _step(options: DemoOptions) -> "int | Literal['best'] | None":
    return None if options.step == "last" else options.step


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`; RoadsegError where that cannot be."""
    if not 0 <= port <= 65_535:
        raise RoadsegError(f"--port {port}: wanted 0 to 65535; 0 takes any that is free")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        reason = error.strerror or error
        raise RoadsegError(
            f"--host {host}: no address of this machine ({reason}); leave it out"
        ) from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of a page that was just ended hold the port for a while.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_QUEUE)
    except OSError as error:
        listening.close()
        raise RoadsegError(
            f"--port {port}: cannot listen on {host} ({error.strerror}); give another --port, or 0 "
            "for any that is free"
        ) from None
    return listening


def is_local(host: str) -> bool:
    """Return whether only this machine reaches what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(options: DemoOptions, listening: socket.socket) -> None:
    """Load the networks and serve the page on a socket until SIGINT or SIGTERM."""
    import uvicorn

    from roadseg.eval.page.app import application
    from roadseg.eval.page.examples import drawn
    from roadseg.eval.page.panels import load_panels

    panels = load_panels(options.model, _step(options), options.beside, options.weights_folder)
    for panel in panels:
        panel.find(drawn(0))  # compiles it, so that the first visitor waits no longer than others
    local = is_local(options.host)
    app = application(panels, options.limits, only_local=local)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"{panels[0].inference.title}: http://{shown}:{port}   (Ctrl-C ends it)", flush=True)
    if not local:
        print("note: everybody who reaches this machine can use the page", file=sys.stderr)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # the usual way to end it
        print("ended", file=sys.stderr)
