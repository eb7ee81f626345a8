"""Rig files, and the homography between two cameras that they give, beside hand-made numbers."""

import numpy as np
import pytest
import yaml

from roadseg.errors import RoadsegError
from roadseg.two_cameras.rig import Camera, Rig, find_rig, parse_rig, sampling_map
from tests.support import shared_folder

UNIT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
LEFT = {"height": 40, "width": 60, "intrinsics": [[30, 0, 29.5], [0, 30, 19.5], [0, 0, 1]]}
VALUES = {"wide": LEFT, "narrow": {**LEFT, "height": 80}, "rotation": {"x": 0, "y": 0, "z": 0}}


def camera(height: int, width: int, focal: float) -> Camera:
    """Return a camera that looks out of the middle of its image."""
    centre = ((width - 1) / 2, (height - 1) / 2)
    rows = ((focal, 0.0, centre[0]), (0.0, focal, centre[1]), (0.0, 0.0, 1.0))
    return Camera(height, width, rows)


def zoomed(factor: float = 2.0) -> Rig:
    """Return two cameras that look the same way, the narrow one with a longer focal length."""
    return Rig(camera(41, 61, 30), camera(81, 101, 30 * factor), UNIT)


def changed(**entries) -> str:
    return yaml.safe_dump({**VALUES, **entries})


def test_a_ray_is_seen_where_both_cameras_see_it():
    rig = find_rig()
    direction = np.array([0.2, -0.1, 1.0])  # of the narrow camera
    wide = np.asarray(rig.wide.intrinsics) @ np.asarray(rig.rotation) @ direction
    narrow = np.asarray(rig.narrow.intrinsics) @ direction
    seen = rig.homography() @ wide
    np.testing.assert_allclose(seen / seen[2], narrow / narrow[2])


def test_the_published_rig_gives_the_published_homography():
    expected = [
        [1.86778852, 0.01954647, -854.65742581],
        [-0.00229551, 1.86696288, -494.25941358],
        [0.00001029, 0.00001042, 0.98339387],
    ]
    np.testing.assert_allclose(find_rig().homography(), expected, rtol=0, atol=6e-9)


def test_frames_are_those_of_the_images_whatever_their_resolution():
    published = find_rig()
    expected = [
        [1.85791246, 0.00600474, -0.00974482],
        [-0.01352456, 1.86066964, 0.04544092],
        [0.00987606, 0.00629324, 0.99956318],
    ]
    np.testing.assert_allclose(published.normalised(), expected, rtol=0, atol=6e-9)


def test_one_scale_for_both_axes_shifts_and_stretches_rows():
    expected = [
        [1.85791246, 0.00603954, -0.00971003],
        [-0.01350354, 1.86063317, 0.05014001],
        [0.00987606, 0.00632971, 0.99959964],
    ]
    found = find_rig().normalised(size=(486, 768))
    np.testing.assert_allclose(found, expected, rtol=0, atol=6e-9)


def test_corrected_frames_reach_from_the_first_pixels_centre_to_the_lasts():
    matrix = zoomed().sampling_matrix("narrow", "corrected")
    points = sampling_map(matrix, (81, 101), (41, 61))
    # Twice the focal length: the middle stays the middle, each pixel is half a pixel of the other.
    np.testing.assert_allclose(points[40, 50], [20, 30], atol=1e-12)
    np.testing.assert_allclose(points[40, 60], [20, 35], atol=1e-12)
    np.testing.assert_allclose(points[20, 50], [10, 30], atol=1e-12)


def test_into_one_view_and_back_is_where_one_was():
    rig = find_rig()
    there, back = rig.sampling_matrix("narrow"), rig.sampling_matrix("wide")
    np.testing.assert_allclose(there @ back, np.eye(3), atol=1e-12)


def test_the_narrow_view_lies_inside_the_wide_one_and_covers_29_percent_of_it():
    rig, size = find_rig(), (151, 240)

    def share_inside(into: str) -> float:
        points = sampling_map(rig.sampling_matrix(into), size, size)
        inside = (points >= 0) & (points <= np.array(size) - 1)
        return float(inside.all(axis=-1).mean())

    assert share_inside("narrow") == 1
    assert share_inside("wide") == pytest.approx(0.29, abs=0.01)


def test_views_of_a_real_pair_agree_better_once_the_wide_one_is_warped():
    import cv2

    folder = shared_folder("data", "dual_camera") / "image_train"
    size = (486, 768)
    views = {}
    for angle in (120, 60):
        image = cv2.imread(str(folder / f"fov{angle}_02450.jpg"), cv2.IMREAD_GRAYSCALE)
        views[angle] = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA).astype("float32")
    points = sampling_map(find_rig().sampling_matrix("narrow"), size, size).astype("float32")
    warped = cv2.remap(views[120], points[..., 1], points[..., 0], cv2.INTER_LINEAR)

    def correlation(other: np.ndarray) -> float:
        return float(np.corrcoef(other.ravel(), views[60].ravel())[0, 1])

    assert correlation(views[120]) < 0.55
    assert correlation(warped) > 0.75


def test_a_rig_file_is_read_and_written_back_to_the_last_digit(tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text(find_rig().to_yaml(), encoding="utf-8")
    assert find_rig(path) == find_rig(str(path)) == find_rig(path.read_text()) == find_rig()


def test_a_rotation_may_be_a_matrix_or_three_angles():
    angles = parse_rig(changed(rotation={"x": 0, "y": 0, "z": "1e-1"}), "rig").rotation
    c, s = np.cos(0.1), np.sin(0.1)
    np.testing.assert_allclose(angles, [[c, -s, 0], [s, c, 0], [0, 0, 1]])
    rows = [list(row) for row in angles]
    assert parse_rig(changed(rotation=rows), "rig").rotation == angles


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wide: [", "rig.yaml: not YAML"),
        ("- 1", "the file has no keys; give wide, narrow, rotation"),
        (yaml.safe_dump({"wide": LEFT, "narrow": LEFT}), "rotation missing"),
        (changed(wide={"height": 40, "width": 60}), "wide.intrinsics missing"),
        (changed(baseline=0.1), "unknown key baseline"),
        (changed(wide={**LEFT, "intrinsic": 1}), "unknown key wide.intrinsic; there is intrinsics"),
        (changed(wide={**LEFT, "width": 1.5}), "wide.width is 1.5; give pixels"),
        (changed(wide={**LEFT, "intrinsics": [1, 2]}), "give three rows of three numbers"),
        (changed(wide={**LEFT, "intrinsics": [[30, 0, 29], [0, "f", 19], [0, 0, 1]]}), "holds 'f'"),
        (changed(wide={**LEFT, "intrinsics": [[30, 0, 29], [0, 0, 19], [0, 0, 1]]}), "above 0"),
        (changed(rotation={"x": 0, "y": 0}), "rotation.z missing"),
        (changed(rotation=[[2, 0, 0], [0, 1, 0], [0, 0, 1]]), "no rotation matrix"),
        (changed(rotation=[[-1, 0, 0], [0, 1, 0], [0, 0, 1]]), "determinant is -1"),
        (changed(rotation={"x": True, "y": 0, "z": 0}), "rotation.x holds True"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_rig_file_is_refused_with_the_key_and_the_way_out(text, message, tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RoadsegError, match="rig.yaml: ") as caught:
        find_rig(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_an_absent_rig_file_is_refused(tmp_path):
    with pytest.raises(RoadsegError, match="no readable rig file.*published rig"):
        find_rig(tmp_path / "none.yaml")
