"""The server of the page: what it answers, what it refuses, how it keeps visitors apart."""

import base64
import http.client
import json
import tempfile
import time
import zlib
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg.eval.page.limits import Limits
from tests.eval.page.served import UPLOAD, ask, bright, halves, label, page, png
from tests.eval.page.test_uploads import film
from tests.eval.runs import TABLE


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def refusal(answer: tuple[int, bytes, dict[str, str]]) -> tuple[int, str]:
    return answer[0], json.loads(answer[1])["error"]


def test_a_picture_is_answered_with_labels_confidence_samples_and_time() -> None:
    with page(bright()) as place:
        head, shown, end = label(place, png(halves()))
    assert head == {"name": "street.png", "frames": 1} and end == {"done": True}
    (found,) = shown["found"]
    assert shown["size"] == shown["stored"] == [30, 40] and found["milliseconds"] > 0
    labels = unpacked(found["labels"], "u1").reshape(30, 40)
    np.testing.assert_array_equal(labels, np.repeat([[0, 1]], 20, axis=1).repeat(30, axis=0))
    assert set(unpacked(found["confidence"], "u1")) == {128}
    assert unpacked(found["points"], "<u2").tolist() == [0, 65_535, 32_768, 16_384]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(shown["picture"]), np.uint8), 1)
    assert abs(picture.astype(int) - halves()).mean() < 3


def test_a_network_of_labels_alone_gives_no_confidence() -> None:
    with page(bright(has_logits=False)) as place:
        (found,) = label(place, png(halves()))[1]["found"]
    assert found["confidence"] is None and found["labels"]


def test_the_page_names_the_classes_and_asks_nobody_else() -> None:
    with page(bright()) as place:
        _, text, headers = ask(place, "/about")
        files = {name: ask(place, f"/{name}") for name in ("", "page.js", "view.js", "page.css")}
    about = json.loads(text)
    assert [row["name"] for row in about["classes"]] == list(TABLE.names)
    assert about["classes"][3]["colour"] == list(TABLE.colours[3])
    assert "default-src 'none'" in headers["content-security-policy"]
    for name, (status, content, _) in files.items():
        assert status == 200 and b"//" not in content.replace(b"http://www.w3.org/", b"").replace(
            b"// ", b""
        ), name


def test_example_pictures_are_drawn_and_no_other_is_there() -> None:
    with page(bright()) as place:
        status, picture, _ = ask(place, "/examples/0")
        none = ask(place, "/examples/99")
    assert status == 200 and cv2.imdecode(np.frombuffer(picture, np.uint8), 1) is not None
    assert refusal(none) == (404, "no example 99")


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/.%2e%2fapp.py", "/nothing"])
def test_only_the_files_of_the_page_are_served(path: str) -> None:
    with page(bright()) as place:
        assert ask(place, path)[0] == 404


def test_names_of_other_machines_are_refused_where_only_this_one_listens() -> None:
    with page(bright()) as place:
        assert refusal(ask(place, "/about", headers={"host": "evil.example:80"})) == (
            403,
            "evil.example: not a name of this page",
        )
        for name in ("localhost", "localhost:80", "[::1]:80", "127.0.0.1:1"):
            assert ask(place, "/about", headers={"host": name})[0] == 200
    with page(bright(), only_local=False) as place:
        assert ask(place, "/about", headers={"host": "street.example"})[0] == 200


def test_what_other_pages_can_send_without_asking_is_refused() -> None:
    with page(bright()) as place:
        for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded"):
            status, message = refusal(ask(place, "/label", b"x", {"content-type": kind}))
            assert status == 415 and "octet-stream" in message


def test_damaged_and_large_files_are_one_line() -> None:
    large = png(np.zeros((300, 300, 3), np.uint8))
    with page(bright(), Limits(max_megabytes=0.01, max_megapixels=0.05)) as place:
        status, message = refusal(ask(place, "/label", b"no picture", UPLOAD))
        assert status == 400 and message.startswith("street.png: not a whole image")
        status, message = refusal(ask(place, "/label", large, UPLOAD))
        assert status == 400 and "300x300 are 0 megapixels" in message
        assert refusal(ask(place, "/label", b"x" * 20_000, UPLOAD))[0] == 413
        assert label(place, png(halves()))[-1] == {"done": True}  # and it goes on


def test_an_upload_that_does_not_say_its_length_is_cut_at_the_limit() -> None:
    with page(bright(), Limits(max_megabytes=0.01)) as place:
        parts = (b"x" * 4000 for _ in range(5))  # http.client sends it in chunks
        status, message = refusal(ask(place, "/label", parts, UPLOAD))
    assert (status, message) == (413, "larger than 0.01 MB; choose a smaller file")


def test_names_are_shown_as_text_without_their_folders() -> None:
    with page(bright()) as place:
        assert label(place, png(halves()), "C%3A%5Cmy%0A%5Ca%20b.png")[0]["name"] == "a b.png"


def test_visitors_take_turns_and_too_many_are_asked_to_come_back() -> None:
    network = bright()
    network.gate.clear()
    with page(network, Limits(max_waiting=3)) as place, ThreadPoolExecutor(6) as visitors:
        answers = [visitors.submit(ask, place, "/label", png(halves()), UPLOAD) for _ in range(6)]
        done, _ = wait(answers, 20, FIRST_COMPLETED)
        while len(done) < 3:  # the others wait for the gate
            done, _ = wait(answers, 0.1)
        network.gate.set()
        found = sorted((answer.result() for answer in answers), key=lambda answer: answer[0])
        assert [status for status, _, _ in found] == [200] * 3 + [503] * 3
        assert refusal(found[-1])[1] == "too many visitors wait; try again in a moment"
        assert network.together == 1
        assert label(place, png(halves()))[-1] == {"done": True}


def test_a_film_of_a_visitor_who_has_gone_is_not_labelled_to_its_end(tmp_path: Path) -> None:
    network = bright()
    content = film(tmp_path / "film.mp4", 40).read_bytes()
    with page(network, Limits(max_waiting=1)) as place:
        with closing(http.client.HTTPConnection(*place, timeout=20)) as connection:
            connection.request("POST", "/label", content, UPLOAD)
            answer = connection.getresponse()
            assert json.loads(answer.readline())["frames"] == 40
            network.gate.clear()  # whatever is labelled from here on waits
        network.answered = 0
        network.gate.set()
        until = time.monotonic() + 20
        while ask(place, "/label", png(halves()), UPLOAD)[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.02)
    assert network.answered < 10


def test_nothing_of_an_upload_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with page(bright()) as place:
        label(place, png(halves()))
        ask(place, "/label", b"no picture", UPLOAD)
    assert not list(tmp_path.iterdir())
