"""A page under test: its application in a thread, or the whole command; pictures sent to it."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from roadseg.eval.page.limits import Limits
from roadseg.eval.page.panels import Panel
from tests.eval.runs import TABLE

UPLOAD = {"content-type": "application/octet-stream", "x-name": "street.png"}


@dataclass
class Bright:
    """In place of a network: class 1 where a picture is bright, class 0 elsewhere.

    gate: waited for before each answer. together: how many were at work at once, at most.
    answered: how many pictures it has labelled.
    """

    title: str = "bright"
    label_table: Any = TABLE
    has_logits: bool = True
    model: Any = None
    gate: threading.Event = field(default_factory=threading.Event)
    together: int = 0
    answered: int = 0
    _working: int = 0

    def __call__(self, image: np.ndarray) -> Any:
        self._working += 1
        self.together = max(self.together, self._working)
        assert self.gate.wait(20)
        time.sleep(0.002)
        self._working -= 1
        self.answered += 1
        labels = (image.mean(axis=-1) > 127).astype(np.int32)
        return SimpleNamespace(labels=labels, locations=np.array([[0.0, 1.0], [0.5, 0.25]]))

    def predict_confidence(self, image: np.ndarray) -> np.ndarray:
        return np.full(image.shape[:2], 0.5, np.float32)


def bright(**options: Any) -> Bright:
    """Return one that answers at once."""
    made = Bright(**options)
    made.gate.set()
    return made


def halves(height: int = 30, width: int = 40) -> np.ndarray:
    """Return a picture whose left half is black and whose right half is white."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


def png(image: np.ndarray) -> bytes:
    """Return a picture as a PNG file."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


@contextmanager
def page(
    network: Any, limits: Limits | None = None, only_local: bool = True
) -> Iterator[tuple[str, int]]:
    """Serve the page for a network on a free port of this machine; yield host and port."""
    import uvicorn

    from roadseg.eval.page.app import application
    from roadseg.eval.page.command import bound

    app = application([Panel(network, "a network")], limits or Limits(), only_local=only_local)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with bound("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[:2]
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


@contextmanager
def command(*words: str) -> Iterator[tuple[tuple[str, int], subprocess.Popen[str]]]:
    """Run `roadseg demo` on a free port; yield its host and port, and the process."""
    arguments = [sys.executable, "-m", "roadseg", "demo", "--port", "0", *words]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            found = re.search(r"http://([\d.]+):(\d+) ", told)
            assert found, told
            yield (found[1], int(found[2])), process
        finally:
            process.terminate()


def ask(
    place: tuple[str, int],
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers of an answer; POST where there is something to send."""
    connection = http.client.HTTPConnection(*place, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        connection.close()


def label(place: tuple[str, int], body: bytes, name: str = "street.png") -> list[dict[str, Any]]:
    """Return the lines that an upload is answered with."""
    status, text, _ = ask(place, "/label", body, UPLOAD | {"x-name": name})
    lines = [json.loads(line) for line in text.splitlines()]
    assert status == 200, lines
    return lines
