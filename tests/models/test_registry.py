import subprocess
import sys

import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.models.nus_sampler import nus_sampler


def test_an_unknown_network_is_refused_with_the_near_names():
    with pytest.raises(
        RoadsegError, match="no network 'deeplabv3_mobilenet'.*deeplabv3_mobilenet_v2"
    ):
        roadseg.create("deeplabv3_mobilenet", 19)


def test_an_unknown_option_is_refused_with_the_near_ones():
    with pytest.raises(RoadsegError, match="no option 'stride'.*output_stride"):
        roadseg.create("deeplabv3_mobilenet_v2", 19, stride=8)


def test_networks_without_auxiliary_heads_can_be_asked_for_none_and_refuse_some():
    assert not isinstance(roadseg.create("espnet_c", 5, auxiliary_heads=False).output, dict)
    with pytest.raises(RoadsegError, match="espnet_c has no auxiliary heads"):
        roadseg.create("espnet_c", 5, auxiliary_heads=True)


@pytest.mark.parametrize("classes", [0, -1, 2.5, "19", True])
def test_a_class_count_that_is_no_positive_integer_is_refused(classes):
    with pytest.raises(RoadsegError, match="num_classes="):
        roadseg.create("deeplabv3_mobilenet_v2", classes)


@pytest.mark.parametrize("stride", [0, 2, 12, 64])
def test_an_impossible_output_stride_is_refused(stride):
    with pytest.raises(RoadsegError, match=f"output_stride={stride}; .* 4, 8, 16 and 32"):
        roadseg.create("deeplabv3_mobilenet_v2", 19, output_stride=stride)


def test_an_auxiliary_network_needs_a_grid_of_two_points_a_side():
    with pytest.raises(ValueError, match="grid side of 1"):
        nus_sampler(input_size=(8, 64), output_stride=8)
    with pytest.raises(ValueError, match="no multiple"):
        nus_sampler(input_size=(60, 64), output_stride=8)


def test_importing_the_package_loads_neither_keras_nor_tensorflow():
    code = "import sys, roadseg; print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
