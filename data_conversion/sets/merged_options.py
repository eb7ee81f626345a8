"""What `roadseg convert` can be told about the sets that UDS merges, KITTI, and UDS itself."""

import dataclasses
from pathlib import Path
from typing import Literal

from roadseg.data_conversion.raw.source import Source
from roadseg.data_conversion.sets.options import Output


@dataclasses.dataclass
class BDD100KOptions(Output):
    """BDD100K's segmentation images: images and labels, in either published layout."""

    source: Path = Path("bdd100k")
    """Folder that holds images and labels."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import bdd100k

        return bdd100k.bdd100k_source(self.source)


@dataclasses.dataclass
class IDDOptions(Output):
    """IDD segmentation as 19 classes: leftImg8bit/SPLIT/DRIVE and gtFine/SPLIT/DRIVE."""

    source: Path = Path("IDD_Segmentation")
    """Folder that holds leftImg8bit and gtFine."""
    labels: Literal["auto", "ids", "polygons"] = "auto"
    """Read *_gtFine_labelids.png, or draw *_gtFine_polygons.json; auto reads where it can."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import idd

        return idd.idd_source(self.source, self.labels)


@dataclasses.dataclass
class KITTIOptions(Output):
    """KITTI's 200 images with semantics: training/image_2 and training/semantic."""

    source: Path = Path("kitti")
    """Folder that holds training."""
    fold: Literal[0, 1, 2] = 0
    """Which of the three fixed sets of 21 images becomes val."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import kitti

        return kitti.kitti_source(self.source, self.fold)


@dataclasses.dataclass
class UDSOptions(Output):
    """BDD100K, Mapillary Vistas, IDD and Cityscapes merged into 19 classes (SFNet-Lite)."""

    source: Path = Path("data")
    """Folder that holds the folders bdd, mapillary, IDD and cityscapes."""
    members: tuple[Literal["bdd100k", "mapillary", "idd", "cityscapes"], ...] = (
        "bdd100k",
        "mapillary",
        "idd",
        "cityscapes",
    )
    """Sets to merge; their order is the published one whatever is given."""
    bdd100k: Path | None = None
    """Folder of a member that lies elsewhere, as its own conversion wants it."""
    mapillary: Path | None = None
    """The same for Mapillary Vistas."""
    idd: Path | None = None
    """The same for IDD."""
    cityscapes: Path | None = None
    """The same for Cityscapes."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import uds

        folders = {
            "bdd100k": self.bdd100k,
            "mapillary": self.mapillary,
            "idd": self.idd,
            "cityscapes": self.cityscapes,
        }
        return uds.uds_source(self.source, self.members, folders)
