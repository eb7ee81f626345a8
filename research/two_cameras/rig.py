"""Two cameras on one vehicle, read from a rig file, and the homography between their views.

Coordinates here are (x, y), as calibrations have them, unless a name ends in `yx`. The cameras are
taken to share one centre, so that a rotation alone relates their views; what is near and seen from
two places is left to the flow. Matrices are computed in float64.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.regular_files import read_regular
from roadseg.yaml_text import check_yaml

Matrix = tuple[tuple[float, float, float], ...]
Size = tuple[int, int]
View = Literal["wide", "narrow"]
Convention = Literal["semantics_sharing", "corrected"]

DEFAULT = "semantics_sharing.yaml"
CAMERA_KEYS = ("height", "width", "intrinsics")
RIG_KEYS = ("wide", "narrow", "rotation")
AXES = ("x", "y", "z")
# A rotation given to seven digits passes, a scaled or mirrored one does not.
ROTATION_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: its image's size in pixels, and its intrinsics in them."""

    height: int
    width: int
    intrinsics: Matrix
    """Takes (x, y, z), x right, y down, z ahead, to z (x, y, 1) in pixels; first centre at 0."""


@dataclass(frozen=True)
class Rig:
    """A camera with a wide view and one with a narrow view ahead of the same place."""

    wide: Camera
    narrow: Camera
    rotation: Matrix
    """Turns a direction of the narrow camera into the wide camera's."""

    def homography(self) -> np.ndarray:
        """Return the 3x3 matrix from pixels (x, y, 1) of the wide image to the narrow one's."""
        to_direction = np.linalg.inv(np.asarray(self.wide.intrinsics))
        return np.asarray(self.narrow.intrinsics) @ np.asarray(self.rotation).T @ to_direction

    def normalised(
        self, convention: Convention = "semantics_sharing", size: Size | None = None
    ) -> np.ndarray:
        """Return the homography, wide to narrow, between frames that reach from -1 to 1.

        It holds at every resolution of the images: both axes may be scaled by factors of their own.
        convention: where pixels 0 and n - 1 lie in a frame of n. "semantics_sharing": at -1 and
            1 - 2 / n, though sampling has them at -1 and 1. "corrected": there.
        size: (height, width) of maps made from images whose height was not scaled like their width,
            where intrinsics are scaled by the width alone, as the loosely coupled network's are.
        Source: SemanticsSharing 9fc1fde, `warp_kornia_xy`, and with `size` `warp_kornia`.
        """
        wide, narrow = (_frame(camera, convention, size) for camera in (self.wide, self.narrow))
        return narrow @ self.homography() @ np.linalg.inv(wide)

    def sampling_matrix(
        self, into: View, convention: Convention = "semantics_sharing", size: Size | None = None
    ) -> np.ndarray:
        """Return the 3x3 matrix from a frame of the view `into` to the other one's, from -1 to 1.

        It says where in the other view each point of `into` is read. Arguments as in `normalised`.
        Raises ValueError for another view.
        """
        if into not in ("wide", "narrow"):
            raise ValueError(f"into={into!r}; there are 'wide' and 'narrow'")
        matrix = self.normalised(convention, size)
        return matrix if into == "wide" else np.linalg.inv(matrix)

    def seen_by_narrow(self, wide: np.ndarray) -> np.ndarray:
        """Return the wide view (height, width, 3) as the narrow camera sees it, float32."""
        from roadseg.ops.homography import warp_by_homography

        size = wide.shape[:2]
        matrix = self.sampling_matrix("narrow", size=size)
        return np.asarray(warp_by_homography(wide[None].astype(np.float32), matrix, size))[0]

    def to_yaml(self) -> str:
        """Return the text of a rig file that gives this very rig."""
        import yaml

        cameras = {
            name: {key: _plain(getattr(camera, key)) for key in CAMERA_KEYS}
            for name, camera in (("wide", self.wide), ("narrow", self.narrow))
        }
        return yaml.safe_dump({**cameras, "rotation": _plain(self.rotation)}, sort_keys=False)


def sampling_map(matrix: np.ndarray, size: Size, source_size: Size) -> np.ndarray:
    """Return where each pixel of a view is read in the other one, (height, width, 2), (y, x).

    matrix: of `Rig.sampling_matrix`. size: (height, width) of the view. source_size: of the other
    one, in whose pixels positions count: the centres of its outermost pixels lie at -1 and 1.
    Positions may fall outside of it. `ops.homography` does the same within a network.
    """
    y, x = (np.linspace(-1, 1, side) for side in size)
    points = np.stack([*np.meshgrid(x, y), np.ones(size)], axis=-1) @ matrix.T
    depth = points[..., 2:]
    # As in `ops.homography`: a point at infinity stays where it is.
    points = points[..., :2] / np.where(np.abs(depth) > 1e-8, depth, 1)
    return (points[..., ::-1] + 1) / 2 * (np.asarray(source_size) - 1)


def find_rig(rig: "Rig | Path | str | None" = None) -> Rig:
    """Return the rig itself, or the one of a file or of a rig file's text; None: the published one.

    Raises RoadsegError for a file that is absent or is no rig file.
    """
    if isinstance(rig, Rig):
        return rig
    if rig is None or rig == "":
        text = resources.files(__package__).joinpath("rigs", DEFAULT).read_text(encoding="utf-8")
        return parse_rig(text, DEFAULT)
    # The text of a rig file has several lines, and no path has one.
    if isinstance(rig, str) and "\n" in rig:
        return parse_rig(rig, "rig")
    try:
        return parse_rig(read_regular(Path(rig).expanduser()).decode("utf-8"), str(rig))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RoadsegError(
            f"{rig}: no readable rig file ({reason}); leave it out for the published rig"
        ) from None


def parse_rig(text: str, source: str) -> Rig:
    """Return the rig that the text of a rig file describes; `source` is named in errors.

    Raises RoadsegError naming the key and the value for anything missing, unknown or impossible.
    """
    import yaml

    try:
        check_yaml(text, "rig file", aliases=16)
        values = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise RoadsegError(
            f"{source}: {' '.join(str(error).split())}; leave it out for the published rig"
        ) from None
    _check_keys(values, RIG_KEYS, source, "")
    cameras = {name: _camera(values[name], source, name) for name in ("wide", "narrow")}
    return Rig(**cameras, rotation=_rotation(values["rotation"], source))


def _frame(camera: Camera, convention: Convention, size: Size | None) -> np.ndarray:
    """Return the matrix from pixels of a camera's image to a frame from -1 to 1."""
    if convention not in ("semantics_sharing", "corrected"):
        raise ValueError(
            f"convention={convention!r}; there are 'semantics_sharing' and 'corrected'"
        )
    # Scaled by the width alone, an image of another aspect counts as that much higher or lower.
    height = camera.height if size is None else size[0] * camera.width / size[1]
    last = 1 if convention == "corrected" else 0
    across, down = 2 / (camera.width - last), 2 / (height - last)
    return np.array([[across, 0, -1], [0, down, -1], [0, 0, 1]])


def _camera(values: Any, source: str, name: str) -> Camera:
    _check_keys(values, CAMERA_KEYS, source, f"{name}.")
    sides = {}
    for key in ("height", "width"):
        side = values[key]
        if isinstance(side, bool) or not isinstance(side, int) or side < 2:
            raise RoadsegError(f"{source}: {name}.{key} is {side!r}; give pixels, 2 or more")
        sides[key] = side
    key = f"{name}.intrinsics"
    matrix = _matrix(values["intrinsics"], source, key)
    if matrix[2] != (0, 0, 1) or matrix[0][0] <= 0 or matrix[1][1] <= 0 or matrix[1][0] != 0:
        raise RoadsegError(
            f"{source}: {key} is {_plain(matrix)}; give [fx, s, cx], [0, fy, cy] and [0, 0, 1] in "
            "pixels of the camera's own image, fx and fy above 0"
        )
    return Camera(**sides, intrinsics=matrix)


def _rotation(value: Any, source: str) -> Matrix:
    if isinstance(value, Mapping):
        _check_keys(value, AXES, source, "rotation.")
        angles = (_number(value[axis], source, f"rotation.{axis}") for axis in AXES)
        return _rows(_turned(*angles))
    matrix = _matrix(value, source, "rotation")
    rows = np.asarray(matrix)
    unlike = np.abs(rows @ rows.T - np.eye(3)).max()
    if unlike > ROTATION_TOLERANCE or np.linalg.det(rows) < 0:
        raise RoadsegError(
            f"{source}: rotation is no rotation matrix (its rows are off by {unlike:.2g}, its "
            f"determinant is {np.linalg.det(rows):.4g}); give three angles x, y, z in radians"
        )
    return matrix


def _turned(x: float, y: float, z: float) -> np.ndarray:
    """Return Rz Ry Rx, right-handed rotations in radians."""
    (sx, cx), (sy, cy), (sz, cz) = ((math.sin(angle), math.cos(angle)) for angle in (x, y, z))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _check_keys(values: Any, keys: tuple[str, ...], source: str, where: str) -> None:
    """Refuse anything but a mapping with exactly these keys."""
    if not isinstance(values, Mapping):
        what = where.rstrip(".") or "the file"
        raise RoadsegError(f"{source}: {what} has no keys; give {', '.join(keys)}")
    missing = [where + key for key in keys if key not in values]
    if missing:
        raise RoadsegError(
            f"{source}: {', '.join(missing)} missing; a rig file has {', '.join(RIG_KEYS)}, and "
            f"each camera {', '.join(CAMERA_KEYS)}"
        )
    for key in values:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys) or keys
            raise RoadsegError(f"{source}: unknown key {where}{key}; there is {', '.join(near)}")


def _matrix(value: Any, source: str, key: str) -> Matrix:
    rows = value if isinstance(value, list) else []
    if [len(row) if isinstance(row, list) else 0 for row in rows] != [3, 3, 3]:
        raise RoadsegError(f"{source}: {key} is {value!r}; give three rows of three numbers")
    return _rows([[_number(entry, source, key) for entry in row] for row in rows])


def _number(value: Any, source: str, key: str) -> float:
    # YAML 1.1 reads 1e-3, without a point, as text.
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise RoadsegError(f"{source}: {key} holds {value!r}; give a number")
    return number


def _rows(values: Any) -> Matrix:
    first, second, third = (tuple(float(entry) for entry in row) for row in values)
    return first, second, third  # type: ignore[return-value]


def _plain(value: Any) -> Any:
    return [list(row) for row in value] if isinstance(value, tuple) else value
