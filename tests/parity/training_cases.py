"""Originals whose training is recorded: how each is built, by system and network of the fixture."""

import json
import re
from collections.abc import Callable

from tests.parity import fast_seg_cases
from tests.parity.torch_networks import Case
from tests.support import Fixture

Constructor = str | Callable[[Fixture], str]


def espnet(fixture: Fixture) -> str:
    """Return ESPNet's constructor, its depths counted in the names of the parameters."""
    names = " ".join(name for name, _ in json.loads(str(fixture.arrays["names"])))
    p, q = (len(set(re.findall(rf"encoder\.level{level}\.(\d+)\.", names))) for level in (2, 3))
    return f"ESPNet({fixture.meta['classes']}, {p}, {q})"


# For each system its constructors' cases, and the constructor call of each network of it.
TRAINED: dict[str, tuple[dict[str, Case], dict[str, Constructor]]] = {
    "fastseg": (
        fast_seg_cases.CASES,
        {
            "bisenet": "BiSeNet({classes})",
            "dfanet": "DFANet({classes})",
            "dfsegv1": "DFSeg({classes}, 'dfv1')",
            "dfsegv2": "DFSeg({classes}, 'dfv2')",
            "espnet": espnet,
            "fastscnn": "FastSCNN({classes})",
            "icnet": "ICNet({classes})",
            "pspnet": "PSPNet_res50({classes})",
            "swiftnet": "SwiftNetRes18({classes})",
        },
    ),
}


def constructor_of(fixture: Fixture) -> str:
    """Return the call that built the original: as `meta` has it, or as the table says."""
    if "constructor" in fixture.meta:
        return str(fixture.meta["constructor"])
    system, network = fixture.meta["system"], fixture.meta["network"]
    constructor = TRAINED[system][1].get(network)
    assert constructor, f"{fixture.path}: no network answers to {system}/{network}"
    if callable(constructor):
        return constructor(fixture)
    return constructor.format(classes=fixture.meta["classes"])
