"""Labels a video frame by frame into videos of the same frame rate: the one reader of videos.

OpenCV turns frames as the header asks. It takes % in a name for the number of a picture and ends
the process on names that are not UTF-8: it is given a plain name for every file.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.drawing.pictures import make_folder, pictures, to_label_ids, unfinished, write_png
from roadseg.errors import RoadsegError
from roadseg.eval.predict.video_header import says_rate
from roadseg.files import plain_path

if TYPE_CHECKING:
    from roadseg.eval.previous import PreviousInference
    from roadseg.inference.inference import Inference

USUAL_RATE_HZ = 25.0
_LARGEST_RATE = 65_535  # MPEG-4 counts time in at most so many parts of a second
_PLACES = 3  # after the point, of the rates that OpenCV writes
Report = Callable[[int, int], None]


class VideoSource:
    """A readable video: `rate_hz`, `frames` as its header says (0: unknown), and its pictures.

    height, width: of its pictures as they are stored, by the header.
    has_rate: whether the header says the rate; otherwise it is 25.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`; raise RoadsegError if OpenCV cannot read it."""
        import cv2

        self.path = path
        with plain_path(path) as plain:
            self._capture = cv2.VideoCapture(str(plain))
        if not self._capture.isOpened():
            raise RoadsegError(f"{path}: not a video that OpenCV can read; convert it to mp4")
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.has_rate = bool(np.isfinite(rate) and rate > 0) and says_rate(path)
        self.rate_hz = rate if self.has_rate else USUAL_RATE_HZ
        sides = (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
        self.height, self.width = (int(self._capture.get(side)) for side in sides)
        frames = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        # Damaged headers claim anything, NaN included, which passes no comparison.
        self.frames = int(frames) if 0 < frames < 1 << 53 else 0

    def pictures(self) -> Iterator[np.ndarray]:
        """Yield RGB uint8 (height, width, 3) until the last frame that can be read."""
        while True:
            there, frame = self._capture.read()
            if not there:
                return
            yield np.ascontiguousarray(frame[..., ::-1])

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()


class VideoTarget:
    """A video that appears under its name when `close` is called, and never half-written."""

    def __init__(self, path: Path, rate_hz: float) -> None:
        """Prepare to write to `path`; the first picture settles the size."""
        self.path, self._rate_hz = path, writable_rate(rate_hz)
        self._aside = unfinished(path)
        self._writer: Any = None
        self._link = ExitStack()
        self._size = (0, 0)

    def add(self, picture: np.ndarray) -> None:
        """Append RGB uint8 (height, width, 3); odd sides grow by one black row or column."""
        import cv2

        height, width = picture.shape[:2]
        if self._writer is None:
            # The codec halves the colour planes: it takes even sides only.
            self._size = (height + height % 2, width + width % 2)
            make_folder(self.path.parent)
            code = cv2.VideoWriter.fourcc(*"mp4v")
            # The plain name may be a link, to a file that has to be there.
            self._aside.touch()
            plain = self._link.enter_context(plain_path(self._aside))
            self._writer = cv2.VideoWriter(str(plain), code, self._rate_hz, self._size[::-1])
            if not self._writer.isOpened():
                self.discard()
                raise RoadsegError(
                    f"{self.path}: OpenCV cannot write this video (codec mp4v); --write labels "
                    "writes pictures alone"
                )
        if (height + height % 2, width + width % 2) != self._size:
            raise RoadsegError(
                f"{self.path}: a frame of {height}x{width} in a video of {self._size[0]}x"
                f"{self._size[1]}; cut the video where its size changes"
            )
        frame = np.zeros((*self._size, 3), np.uint8)
        frame[:height, :width] = picture[..., ::-1]
        self._writer.write(frame)

    def close(self) -> None:
        """Finish the video and give it its name; raise RoadsegError if it was not written."""
        import cv2

        if self._writer is None:
            return
        self._release()
        # OpenCV reports no failed write; a video cut short by a full disk does not open.
        with plain_path(self._aside) as plain:
            whole = cv2.VideoCapture(str(plain)).isOpened()
        if not whole:
            self.discard()
            raise RoadsegError(f"{self.path}: not written whole; is the disk full?")
        self._aside.rename(self.path)

    def discard(self) -> None:
        """Remove what was written, unless the video is finished."""
        self._release()
        self._aside.unlink(missing_ok=True)

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.release()
            self._writer = None
        self._link.close()


def writable_rate(rate_hz: float) -> float:
    """Return the rate nearest to `rate_hz` that OpenCV and the codec can write.

    OpenCV makes a fraction of a rate, over the power of ten at which it is a whole number to within
    a thousandth; MPEG-4 takes numerators up to 65,535.
    """
    for places in range(_PLACES, -1, -1):
        if round(rate_hz * 10**places) <= _LARGEST_RATE:
            return max(round(rate_hz, places), 10.0**-_PLACES)
    return float(_LARGEST_RATE)


def label_video(
    path: Path,
    target: Path,
    label: "Inference | PreviousInference",
    kinds: Collection[str],
    batch_size: int = 1,
    report: Report | None = None,
    label_ids: bool = False,
) -> list[Path]:
    """Write `<target>_<kind>.mp4` for each of `kinds` and return what was written.

    Lossy compression would change label maps: they go to `<target>_labels/frame-000000.png`, ...
    report: called with (frames done, frames as the header says) after each batch.
    label_ids: label maps hold the data set's own ids.
    Raises RoadsegError for a video that cannot be read, or that ends before its header says; what
    could be read of it is labelled.
    """
    source = VideoSource(path)
    if not source.has_rate:
        print(f"note: {path}: its header says no frame rate; {USUAL_RATE_HZ:g} is taken")
    targets = {
        kind: VideoTarget(target.with_name(f"{target.name}_{kind}.mp4"), source.rate_hz)
        for kind in kinds
        if kind != "labels"
    }
    labels_folder = target.with_name(f"{target.name}_labels")
    # The legend names every class: one of those that occur would change its height in mid-film.
    table, done = label.label_table, 0
    with ExitStack() as stack:
        stack.callback(source.close)
        for video in targets.values():
            # Leaves a video alone that was finished.
            stack.callback(video.discard)
        for batch in _batches(source.pictures(), batch_size):
            found = label(np.stack(batch))
            for index, image in enumerate(batch):
                grid = None if found.locations is None else found.locations[index]
                classes = range(table.num_classes)
                made = pictures(image, found.labels[index], grid, table, kinds, classes)
                for kind, picture in made.items():
                    if kind != "labels":
                        targets[kind].add(picture)
                        continue
                    ids = to_label_ids(picture, table) if label_ids else picture
                    write_png(labels_folder / f"frame-{done:06d}.png", ids)
                done += 1
            if report:
                report(done, source.frames)
        for video in targets.values():
            video.close()
    _check_length(source, done)
    return [video.path for video in targets.values() if video.path.is_file()]


def _batches(frames: Iterator[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    batch: list[np.ndarray] = []
    for frame in frames:
        if batch and (len(batch) == size or batch[0].shape != frame.shape):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch


def _check_length(source: VideoSource, done: int) -> None:
    if not done:
        raise RoadsegError(f"{source.path}: no frame can be read; is the file whole?")
    # Headers of whole files are off by a frame or two, where frames come at changing intervals.
    if done < source.frames * 0.98 - 2:
        raise RoadsegError(
            f"{source.path}: truncated? Only {done} of {source.frames} frames can be read; "
            "those are labelled"
        )
