"""name=value words of every command: one grammar, and values of the option's own type."""

from typing import Any, Literal

import pytest

from roadseg.command_line.options import check_types, read_options
from roadseg.errors import RoadsegError
from roadseg.network_names import network_names, refuse_unknown_network


def build(flag: bool = False, count: int = 1, width: float = 1.0, kind: Literal["a", "b"] = "a"):
    return flag, count, width, kind


@pytest.mark.parametrize(
    ("text", "value"),
    [("True", True), ("true", True), ("False", False), ("false", False), ("3", 3), ("0.5", 0.5)]
    + [("1e-3", 1e-3), ("stem", "stem"), ("[1, 2]", [1, 2]), ("None", None), ("a=b", "a=b")],
)
def test_words_become_values(text: str, value: Any) -> None:
    found = read_options([f"x={text}"])["x"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("word", ["x", "=1"])
def test_a_word_that_is_no_option_is_refused(word: str) -> None:
    with pytest.raises(RoadsegError, match="--options .*; write it as name=value"):
        read_options([word])


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(RoadsegError, match="'p' is given twice"):
        read_options(["p=1", "p=2"])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"flag": "no"}, "flag='no' is of another type; give true or false"),
        ({"flag": 1}, "flag=1 is of"),
        ({"count": 1.5}, "count=1.5 is of another type; give a whole number"),
        ({"count": True}, "count=True is of"),
        ({"width": "wide"}, "width='wide' is of another type; give a number"),
        ({"kind": "c"}, "kind='c'; there are a, b"),
    ],
)
def test_values_of_another_type_are_refused_by_name(options: dict, complaint: str) -> None:
    with pytest.raises(RoadsegError, match=f"net: {complaint}"):
        check_types(build, options, "net")


def test_values_of_the_right_type_pass() -> None:
    check_types(build, {"flag": True, "count": 2, "width": 2, "kind": "b", "other": object}, "net")


def test_the_names_of_networks_are_those_of_the_registry() -> None:
    import roadseg

    assert list(network_names()) == roadseg.list_models()
    with pytest.raises(RoadsegError, match="no network 'icnt'; did you mean icnet"):
        refuse_unknown_network("icnt")
