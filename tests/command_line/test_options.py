"""name=value words of every command: one grammar, and values of the option's own type."""

import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from roadseg.command_line.options import check_types, hints_of, parse_options, read_options
from roadseg.command_line.values import fits, read_word
from roadseg.errors import RoadsegError
from roadseg.models import registry
from roadseg.models.nus_sampler import nus_sampler
from roadseg.models.options import network_hints, options_of
from roadseg.network_names import network_names, refuse_unknown_network


def build(
    num_classes: int,
    flag: bool = False,
    count: int = 1,
    width: float = 1.0,
    kind: Literal["ab", "cd"] = "ab",
    corners: bool | Literal["half_pixel"] = True,
    features: int | None = None,
    size: tuple[int, int] = (1, 1),
    shape: tuple[int | None, ...] = (),
    widths: Sequence[int] = (),
    names: tuple[str, ...] = (),
    rig: "Path | str | None" = None,
    free=None,
) -> Any: ...


@pytest.mark.parametrize(
    ("word", "value"),
    [(f"flag={word}", True) for word in ("true", "True", "YES", "1")]
    + [(f"flag={word}", False) for word in ("false", "False", "no", "0")]
    + [("count=3", 3), ("width=3", 3.0), ("width=1e-3", 1e-3), ("kind=cd", "cd")]
    + [("corners=FALSE", False), ("corners=half_pixel", "half_pixel"), ("features=8", 8)]
    + [("features=none", None), ("features=None", None), ("size=2x3", (2, 3))]
    + [("size=[2, 3]", (2, 3)), ("size=2,3", (2, 3)), ("shape=nonex64", (None, 64))]
    + [("widths=3x16x32", (3, 16, 32)), ("widths=[3]", (3,)), ("names=ax,b", ("ax", "b"))]
    + [("rig=3", "3"), ("rig=none", None), ("free=3", 3), ("free=a=b", "a=b")],
)
def test_words_become_values_of_the_type_of_the_option(word: str, value: Any) -> None:
    name = word.partition("=")[0]
    found = parse_options(build, [word])[name]
    assert found == value and type(found) is type(value)
    assert fits(found, hints_of(build)[name])


@pytest.mark.parametrize(
    ("text", "value"),
    [("True", True), ("true", True), ("False", False), ("false", False), ("3", 3), ("0.5", 0.5)]
    + [("1e-3", 1e-3), ("stem", "stem"), ("[1, 2]", [1, 2]), ("None", None), ("a=b", "a=b")],
)
def test_a_word_without_a_type_is_what_it_looks_like(text: str, value: Any) -> None:
    found = read_options([f"x={text}"])["x"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("flag=maybe", "--options flag=maybe: of another type; give true or false$"),
        ("flag=flase", "give true or false; did you mean false?"),
        ("flag=2", "of another type; give true or false"),
        ("count=1.5", "--options count=1.5: of another type; give a whole number"),
        ("width=wide", "--options width=wide: of another type; give a number"),
        ("width=nan", "give a number"),
        ("kind=abc", "--options kind=abc: there are ab, cd; did you mean ab?"),
        ("corners=half-pixel", "give true or false or half_pixel; did you mean half_pixel?"),
        ("features=non", "give a whole number or none; did you mean none?"),
        ("size=2", "--options size=2: of another type; give a list of 2 numbers"),
        ("size=2xa", "give a list of 2 numbers"),
        ("hight=3", "build has no option 'hight'"),
        ("falg=1", "build has no option 'falg'; there are flag"),
        ("x", "--options x: key=value wanted; write it as name=value"),
        ("=1", "--options =1: key=value wanted; write it as name=value"),
    ],
)
def test_a_word_that_is_no_option_is_refused(word: str, message: str) -> None:
    with pytest.raises(RoadsegError, match=message.replace("?", r"\?")):
        parse_options(build, [word])


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
        ({"kind": "abc"}, "kind='abc'; there are ab, cd; did you mean ab"),
        ({"size": (1, 2, 3)}, "size=.1, 2, 3. is of another type; give a list of 2 numbers"),
        ({"size": (1, "2")}, "size=.1, '2'. is of another type"),
    ],
)
def test_values_of_another_type_are_refused_by_name(options: dict, complaint: str) -> None:
    with pytest.raises(RoadsegError, match=f"net: {complaint}"):
        check_types(build, options, "net")


def test_values_of_the_right_type_pass() -> None:
    options = {"flag": True, "count": 2, "width": 2, "kind": "cd", "size": [1, 2], "other": object}
    check_types(build, options, "net")


def legal_words(hint: Any) -> list[str]:
    """Return a word of each kind that an annotation takes."""
    kinds = typing.get_args(hint)
    if hint is bool:
        return ["true", "No", "1"]
    if typing.get_origin(hint) is Literal:
        return [str(kind) for kind in kinds]
    if typing.get_origin(hint) in (tuple, Sequence):
        return ["x".join(["8"] * max(2, len(kinds)))]
    if hint in (int, float, str):
        return ["8"]
    return [word for kind in kinds for word in legal_words(kind)] + ["none"] * (type(None) in kinds)


BUILDERS = {name: registry.find(name).build for name in network_names()}


@pytest.mark.parametrize("name", [*BUILDERS, "nus_sampler"])
def test_every_option_of_every_builder_is_read_and_refused_by_its_type(name: str) -> None:
    builder = BUILDERS.get(name, nus_sampler)
    hints = hints_of(builder)
    assert hints
    for option, hint in hints.items():
        words = legal_words(hint)
        assert words, option
        for word in words:
            assert fits(parse_options(builder, [f"{option}={word}"])[option], hint)
        if str not in (hint, *typing.get_args(hint)):
            with pytest.raises(RoadsegError, match=f"--options {option}=moon: "):
                parse_options(builder, [f"{option}=moon"])


def test_the_types_in_the_source_are_those_of_the_builder() -> None:
    """So that a wrong word is refused before Keras is loaded."""
    told = {name: network_hints(name) for name in BUILDERS}
    assert len(told) > 30
    for name in told:
        own = hints_of(BUILDERS[name])
        assert [*told[name]] == [*own]
        for option, hint in own.items():
            if option == "rig":  # a class of ours, which no word can be
                assert read_word("a.yaml", told[name][option], "") == "a.yaml"
            else:
                assert told[name][option] == hint, option


def test_a_network_of_ones_own_has_the_options_of_its_builder(monkeypatch) -> None:
    monkeypatch.setitem(registry.MODELS, "own", registry.ModelSpec(build))
    assert options_of("own", ["size=2x3", "auxiliary_heads=False"]) == {
        "size": (2, 3),
        "auxiliary_heads": False,
    }
    with pytest.raises(RoadsegError, match="--options size=2: .*give a list"):
        options_of("own", ["size=2"])
    assert options_of("nobody", ["size=2"]) == {"size": 2}


def test_the_names_of_networks_are_those_of_the_registry() -> None:
    import roadseg

    assert list(network_names()) == roadseg.list_models()
    with pytest.raises(RoadsegError, match="no network 'icnt'; did you mean icnet"):
        refuse_unknown_network("icnt")
