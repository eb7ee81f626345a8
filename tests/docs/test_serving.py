"""The server of docs/guides/serving.md: right labels, limits, and 32 clients at once.

ROADSEG_SERVING_SECONDS: how long the clients ask, 120 by default; ROADSEG_SERVING_MODEL: folder of
an ONNX export to serve, in place of a small one that is made here.
"""

import http.client
import importlib.util
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import REPOSITORY, on_tensorflow

NEEDED = ("fastapi", "uvicorn", "onnxruntime", "tf2onnx")
SECONDS = float(os.environ.get("ROADSEG_SERVING_SECONDS", "120"))
CLIENTS = 32
SIZES = ((360, 480), (480, 640), (240, 320))
pytestmark = [
    on_tensorflow,
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason=f"needs {', '.join(NEEDED)}",
    ),
]
Answer = tuple[int, bytes]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.environ.get("ROADSEG_SERVING_MODEL"):
        return Path(os.environ["ROADSEG_SERVING_MODEL"]).resolve()
    from roadseg.export.command import export_run
    from tests.export.support import make_run

    run = make_run(tmp_path_factory.mktemp("runs") / "tiny", "none", steps=(3,))
    return export_run(run.path, "onnx", to=tmp_path_factory.mktemp("exports") / "onnx")


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Yield the port and the process of the example, as the guide starts it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    words = ["-m", "uvicorn", "serve_onnx:app", "--port", str(port), "--log-level", "warning"]
    environment = os.environ | {"MODEL": str(model), "MAX_MEGABYTES": "2", "MAX_MEGAPIXELS": "1"}
    folder = REPOSITORY / "docs" / "examples"
    with subprocess.Popen([sys.executable, *words], cwd=folder, env=environment) as process:
        try:
            until = time.monotonic() + 120
            while True:
                assert process.poll() is None and time.monotonic() < until
                try:
                    assert ask(port, "/health")[0] == 200
                    break
                except OSError:
                    time.sleep(0.3)
            yield port, process
        finally:
            process.terminate()


def ask(port: int, path: str, body: bytes | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with closing(connection):
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def picture(size: tuple[int, int], seed: int = 0) -> bytes:
    """Return a PNG of large random squares, (height, width)."""
    random = np.random.default_rng(seed)
    squares = random.integers(0, 256, (size[0] // 20, size[1] // 20, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(squares).resize(size[::-1], Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def test_both_forms_hold_the_labels_of_the_exported_network(
    model: Path, server: tuple[int, subprocess.Popen[bytes]]
) -> None:
    from roadseg.export.onnx import run_onnx

    port, _ = server
    sent = picture((240, 320))
    image = np.asarray(Image.open(io.BytesIO(sent)))
    expected = run_onnx(model / "model.onnx")(image[None])["labels"][0]
    assert len(np.unique(expected)) > 1
    status, png = ask(port, "/labels", sent)
    assert status == 200
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), expected)
    status, text = ask(port, "/labels?form=json", sent)
    values = json.loads(text)
    assert status == 200 and (values["height"], values["width"]) == expected.shape
    np.testing.assert_array_equal(np.repeat(*np.transpose(values["runs"])), expected.reshape(-1))
    names = json.loads(ask(port, "/health")[1])["classes"]
    shares = {name: np.mean(expected == label) for label, name in enumerate(names)}
    assert values["classes"] == pytest.approx({k: v for k, v in shares.items() if v}, abs=1e-6)


def test_what_is_no_picture_or_too_large_is_refused(
    server: tuple[int, subprocess.Popen[bytes]],
) -> None:
    port, _ = server
    for body, status, reason in (
        (b"text", 400, "no whole picture; send JPEG, PNG, WEBP"),
        (picture((240, 320))[:400], 400, "no whole picture; send JPEG, PNG, WEBP"),
        (b"", 400, "no whole picture; send JPEG, PNG, WEBP"),
        (picture((1000, 1020)), 413, "more than 1 megapixels"),
        (bytes(2_100_000), 413, "larger than 2 MB"),
    ):
        found = ask(port, "/labels", body)
        assert found[0] == status and json.loads(found[1]) == {"detail": reason}
    assert ask(port, "/labels?form=xml", picture((240, 320)))[0] == 422


def resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_32_clients_at_once_get_their_labels_and_memory_stays_flat(
    server: tuple[int, subprocess.Popen[bytes]],
) -> None:
    port, process = server
    sent = [picture(size, seed) for seed, size in enumerate(SIZES)]
    right = [ask(port, "/labels", body) for body in sent]
    assert [status for status, _ in right] == [200] * len(sent)
    began = time.monotonic()
    times: list[float] = []
    wrong: list[object] = []
    held: list[float] = []

    def client(number: int) -> None:
        turn = number
        while time.monotonic() < began + SECONDS:
            start = time.perf_counter()
            try:
                found = ask(port, "/labels", sent[turn % len(sent)])
            except OSError as error:
                wrong.append(error)
                return
            times.append(time.perf_counter() - start)
            if found != right[turn % len(sent)]:
                wrong.append(found)
            turn += 1

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in clients:
        thread.start()
    while any(thread.is_alive() for thread in clients):
        held.append(resident_mb(process.pid))
        time.sleep(SECONDS / 60)
    for thread in clients:
        thread.join()
    settled, last = max(held[: len(held) // 4]), held[-1]
    spread = " ".join(
        f"{share} %: {np.percentile(times, share) * 1e3:.0f} ms" for share in (50, 90, 95, 99, 100)
    )
    print(
        f"{len(times)} pictures by {CLIENTS} clients in {SECONDS:g} s, {spread}; "
        f"{settled:.0f} MB in the first quarter, {last:.0f} MB at the end"
    )
    assert not wrong and len(times) >= CLIENTS
    assert last < settled + 30
