"""Presets: published weights by name, from a mirror or fetched once from a server on loopback."""

import hashlib
import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import roadseg
from roadseg import cli, label_tables
from roadseg.errors import RoadsegError
from roadseg.models.registry import find
from roadseg.weights import fetch
from roadseg.weights.presets import PRESETS, Preset, choose_preset, find_preset
from roadseg.weights.read import original_of, read_weights
from tests.support import shared_folder
from tests.weights.originals import network, values

CONTENT = bytes(range(256)) * 40
NAME = "dabnet/somewhere"


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT: whole, cut (once or always), wrong, slow, late or not, as the path says."""

    asked: list[str] = []

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server looks for)
        self.asked.append(self.path)
        kind = self.path.strip("/").split("/")[0]
        if kind == "absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if kind == "late":
            time.sleep(3)
        content = CONTENT[::-1] if kind == "wrong" else CONTENT
        cut = kind == "cut" or kind == "once" and len(self.asked) == 1
        if kind == "slow":  # never silent for long
            for start in range(0, len(content), 2048):
                time.sleep(0.3)
                self.wfile.write(content[start : start + 2048])
            return
        self.wfile.write(content[:3000] if cut else content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[str]:
    """Return the server's address; the cache is in `tmp_path`, and no mirror is named."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(fetch.MIRROR, raising=False)
    monkeypatch.setattr(Server, "asked", [])
    monkeypatch.setattr(fetch, "PAUSE_S", 0.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def preset(address: str) -> Preset:
    return replace(
        PRESETS["dabnet/cityscapes"],
        address=address,
        file="weights.params",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def cached(tmp_path: Path) -> list[str]:
    """Return the names of files in the cache, but for locks."""
    folder = tmp_path / "keras" / "roadseg"
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_fetched_once_and_then_found(server, tmp_path):
    wanted = preset(f"{server}/whole/best.params")
    for _ in range(2):
        assert fetch.locate(NAME, wanted).read_bytes() == CONTENT
    assert len(Server.asked) == 1
    assert cached(tmp_path) == ["weights.params"]


def test_several_at_once_fetch_once(server):
    wanted = preset(f"{server}/whole/best.params")
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch.locate(NAME, wanted).read_bytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 4
    assert len(Server.asked) == 1


PROCESS = """import sys
from dataclasses import replace
from roadseg.weights import fetch, presets
_, address, size, sha256 = sys.argv
wanted = replace(presets.PRESETS["dabnet/cityscapes"], address=address, file="weights.params",
                 size=int(size), sha256=sha256)
print(len(fetch.locate("dabnet/somewhere", wanted).read_bytes()))
"""


def test_several_processes_at_once_fetch_once(server, tmp_path):
    wanted = preset(f"{server}/slow/best.params")
    words = [sys.executable, "-c", PROCESS, wanted.address, str(wanted.size), wanted.sha256]
    processes = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    found = [process.communicate(timeout=240)[0].split() for process in processes]
    assert found == [[str(len(CONTENT))]] * 3
    assert Server.asked == ["/slow/best.params"]
    assert cached(tmp_path) == ["weights.params"]


def test_a_slow_server_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_S", 1.0)  # the whole takes longer
    assert fetch.locate(NAME, preset(f"{server}/slow/best.params")).read_bytes() == CONTENT


def test_a_transfer_that_breaks_off_is_begun_anew(server, tmp_path, capsys):
    assert fetch.locate(NAME, preset(f"{server}/once/best.params")).read_bytes() == CONTENT
    assert len(Server.asked) == 2
    assert cached(tmp_path) == ["weights.params"]
    assert capsys.readouterr().err.count(f"{NAME}: fetching") == 2


@pytest.mark.parametrize(
    ("kind", "asked"), [("absent", 1), ("wrong", 1), ("cut", fetch.ATTEMPTS), ("late", 1)]
)
def test_only_what_broke_off_is_begun_anew(server, monkeypatch, kind, asked):
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.5)
    with pytest.raises(RoadsegError):
        fetch.locate(NAME, preset(f"{server}/{kind}/best.params"))
    assert len(Server.asked) == asked


def test_a_process_that_was_ended_leaves_no_file_and_no_lock(server, tmp_path):
    """What is fetched lies under another name until it is whole, and a lock ends with its owner."""
    wanted = preset(f"{server}/slow/best.params")
    words = [sys.executable, "-c", PROCESS, wanted.address, str(wanted.size), wanted.sha256]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not Server.asked and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
    assert Server.asked and "weights.params" not in cached(tmp_path)
    assert fetch.locate(NAME, preset(f"{server}/whole/best.params")).read_bytes() == CONTENT
    assert cached(tmp_path) == ["weights.params"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("absent", "404"),
        ("wrong", "another checksum than the authors'"),
        ("cut", "got only 3000 out of 10240 bytes"),
        ("late", "timed out"),
    ],
)
def test_what_cannot_be_fetched_is_one_line_and_leaves_nothing(
    server, tmp_path, monkeypatch, kind, reason
):
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.5)
    address = f"{server}/{kind}/best.params"
    with pytest.raises(RoadsegError) as refused:
        fetch.locate(NAME, preset(address))
    message = str(refused.value)
    assert message.startswith(f"{address}: not fetched (") and "\n" not in message
    assert reason in message and f"{len(CONTENT)} bytes" in message
    assert str(tmp_path / "keras" / "roadseg" / "weights.params") in message
    assert fetch.MIRROR in message
    assert not cached(tmp_path)
    # The next attempt begins anew.
    assert fetch.locate(NAME, preset(f"{server}/whole/best.params")).read_bytes() == CONTENT


def test_without_a_network_the_line_says_where_to_put_the_file(server, tmp_path):
    with pytest.raises(RoadsegError, match=r"not fetched \(.*refused.*at .*weights.params"):
        fetch.locate(NAME, preset("http://127.0.0.1:9/best.params"))
    assert not cached(tmp_path)


def test_a_damaged_file_in_the_cache_is_fetched_again(server):
    wanted = preset(f"{server}/whole/best.params")
    fetch.locate(NAME, wanted).write_bytes(b"half")
    assert fetch.locate(NAME, wanted).read_bytes() == CONTENT
    assert len(Server.asked) == 2


@pytest.mark.parametrize("name", ["weights.params", "best.params", "dabnet_cityscapes_paddle.npz"])
def test_a_mirror_is_looked_at_first(server, tmp_path, monkeypatch, name):
    monkeypatch.setenv(fetch.MIRROR, str(tmp_path))
    wanted = preset(f"{server}/whole/best.params")
    assert not fetch.is_here(wanted)
    (tmp_path / name).write_bytes(CONTENT)
    assert fetch.is_here(wanted)
    assert fetch.locate(NAME, wanted) == tmp_path / name
    assert not Server.asked


def test_another_file_of_that_name_in_a_mirror_is_refused(server, tmp_path):
    (tmp_path / "weights.params").write_bytes(CONTENT[1:])
    with pytest.raises(RoadsegError, match=r"weights\.params: another checksum than that of"):
        fetch.locate(NAME, preset(f"{server}/whole/best.params"), tmp_path)


def test_a_mirror_that_is_no_folder_is_refused(server, tmp_path):
    with pytest.raises(RoadsegError, match="absent: no such folder"):
        fetch.locate(NAME, preset(server), tmp_path / "absent")


def test_a_backbone_that_lies_nowhere_names_its_file_and_the_mirror(server):
    backbone = PRESETS["deeplabv3_mobilenet_v2/ade20k-backbone"]
    with pytest.raises(RoadsegError, match=r"ade20k_int8_slim\.npz, cannot be fetched.*ROADSEG_W"):
        fetch.locate("deeplabv3_mobilenet_v2/ade20k-backbone", backbone)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_a_network_its_options_and_a_file(name):
    found = PRESETS[name]
    network_name, _, weights = name.rpartition("/")
    assert network_name.startswith(found.network) or found.shipped
    assert choose_preset(network_name or found.network, weights, {})[0] == name
    find(found.network)
    if found.label_table:
        classes = label_tables.get(found.label_table).num_classes
        assert found.num_classes == classes + found.void_class
    if found.address:
        assert len(found.sha256) == 64 and found.size > 0
        assert found.address.startswith("https://raw.githubusercontent.com/")
        assert len(found.address.split("/")[5]) == 40  # a commit, no branch
    assert (found.shipped or found.mirrored).endswith(".npz")
    assert not found.shipped or fetch.is_here(found)


def test_no_two_presets_share_a_file():
    names = [found.file for found in PRESETS.values() if found.file]
    assert len(set(names)) == len(names)


def test_a_misspelt_name_is_refused_with_the_near_ones():
    with pytest.raises(RoadsegError, match="no preset 'dabnet/cityscape'; did you mean dabnet/"):
        find_preset("dabnet/cityscape")
    with pytest.raises(RoadsegError, match="no preset 'dabnet/citys'; did you mean dabnet/city"):
        roadseg.create("dabnet", weights="citys")


def test_options_that_contradict_a_preset_are_refused():
    with pytest.raises(RoadsegError, match=r"fusion='stem': .* with fusion stem\+image; leave"):
        roadseg.create("espnet", weights="camvid", fusion="stem")


def test_of_several_presets_the_options_choose():
    with pytest.raises(RoadsegError, match=r"there are espnetv2_0\.5/cityscapes, .*; give s$"):
        choose_preset("espnetv2", "cityscapes", {})
    assert choose_preset("espnetv2", "cityscapes", {"s": 2.0})[0] == "espnetv2_2.0/cityscapes"
    assert choose_preset("espnet", "cityscapes", {"q": 5})[0] == "espnet_p2_q5/cityscapes"


def test_a_network_comes_with_its_weights(monkeypatch):
    weights = shared_folder("weights")
    monkeypatch.setenv(fetch.MIRROR, str(weights))
    model = roadseg.create("dabnet", weights="cityscapes")
    same = network("dabnet", 19)
    read_weights(same, str(weights / "dabnet_cityscapes_paddle.npz"), original_of("dabnet"))
    ours, theirs = values(model), values(same)
    for path in ours:
        np.testing.assert_array_equal(ours[path], theirs[path])


def test_another_number_of_classes_keeps_the_rest_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv(fetch.MIRROR, str(shared_folder("weights")))
    model = roadseg.create("espnetv2_0.5", 11, weights="cityscapes")
    assert model.output_shape[-1] == 11
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("espnetv2_0.5/cityscapes: ")
    assert "; initialised, other classes: bu_dec_l" in line


def test_a_backbone_wants_the_number_of_classes():
    with pytest.raises(RoadsegError, match="weights='ade20k-backbone': .*; give num_classes"):
        roadseg.create("deeplabv3_mobilenet_v2", weights="ade20k-backbone")


def test_the_list_fits_a_screen(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 120
    text = " ".join(lines)
    for word in ("pidnet_s", "dabnet/cityscapes", "real_time/ (", "camvid", "density", "onnx"):
        assert word in text


def test_each_list_names_all_there_is(capsys):
    assert cli.main(["list", "presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(PRESETS)
    assert "69.63 mIoU" in next(line for line in lines if line.startswith("dabnet/"))
