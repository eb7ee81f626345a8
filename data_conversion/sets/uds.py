"""UDS: BDD100K, Mapillary Vistas, IDD and Cityscapes in one set of records, with one label space.

The members lie side by side in a folder, each in its own published layout; label files are the
members' own, and the tables of `roadseg.label_tables.uds` map their ids. Nothing is written beside
them, unlike the maps `*_19labelTrainIds.png` of lxtGH/SFSegNets, which are not read either.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from roadseg import label_tables
from roadseg.data_conversion.raw.faults import kept, refuse_all
from roadseg.data_conversion.raw.source import Pair, Source, existing_folder
from roadseg.data_conversion.sets.bdd100k import bdd100k_source
from roadseg.data_conversion.sets.cityscapes import cityscapes_source
from roadseg.data_conversion.sets.idd import idd_source
from roadseg.data_conversion.sets.mapillary import mapillary_source
from roadseg.errors import RoadsegError
from roadseg.label_tables.uds import MEMBERS, uds_member

SPLITS = ("train", "val")
# How the folder of a member may be called, capitals aside.
_FOLDERS = {"bdd100k": ("bdd", "bdd100k"), "mapillary": ("mapillary",)}
_FILES: dict[str, Callable[[Path], Source]] = {
    "bdd100k": bdd100k_source,
    "mapillary": lambda root: mapillary_source(root, "labels", "uds"),
    "idd": idd_source,
    "cityscapes": lambda root: cityscapes_source(root, splits=SPLITS),
}


def uds_source(
    root: Path,
    members: tuple[str, ...] = MEMBERS,
    folders: Mapping[str, Path | None] | None = None,
) -> Source:
    """Return the files of all members, in the published order; splits train and val.

    folders: of members that do not lie in `root`.
    Raises RoadsegError for a set that is no member or is not there, and for what is wrong with one.
    """
    tables = {member: uds_member(member) for member in members}
    sources: dict[str, Source] = {}
    faults: list[RoadsegError] = []
    for member in (member for member in MEMBERS if member in tables):
        with kept(faults):
            folder = (folders or {}).get(member) or _folder(root, member)
            sources[member] = _FILES[member](folder)
    refuse_all(root, faults)
    found: dict[str, tuple[Pair, ...]] = {}
    published: dict[str, int] = {}
    for split in SPLITS:
        there = {member: source for member, source in sources.items() if split in source.splits}
        if there:
            found[split] = tuple(
                dataclasses.replace(pair, name=f"{member}_{pair.name}", member=member)
                for member, source in there.items()
                for pair in source.splits[split]
            )
        published[split] = sum(source.published[split] for source in sources.values())
    return Source(
        "uds",
        label_tables.get("uds"),
        found,
        members={member: (tables[member], source.coding) for member, source in sources.items()},
        published=published,
        left_out={
            path: why for source in sources.values() for path, why in source.left_out.items()
        },
    )


def _folder(root: Path, member: str) -> Path:
    """Return the folder of a member in `root`; RoadsegError if there is none."""
    names = _FOLDERS.get(member, (member,))
    way_out = f"--source is the folder that holds those of {', '.join(MEMBERS)}"
    for path in sorted(existing_folder(root, way_out).iterdir()):
        if path.name.lower() in names and path.is_dir():
            return path
    raise RoadsegError(
        f"{root}: no folder {' or '.join(names)}; name it with --{member}, or leave the set out "
        "with --members"
    )
