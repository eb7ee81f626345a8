"""What `roadseg convert` can be told about pairs of cameras, and about pairs with optical flow."""

import dataclasses
from pathlib import Path

from roadseg.data_conversion.raw.source import Source
from roadseg.data_conversion.sets.options import Output


@dataclasses.dataclass
class DualCameraOptions(Output):
    """Frames of two cameras: image_train, image_val, image_test (no labels), image_label."""

    source: Path = Path("dual_camera")
    """Folder that holds these folders."""
    camera_prefixes: tuple[str, str] = ("fov120", "fov60")
    """How names of frames begin: those of the wide camera, and those of the narrow one."""
    classes: Path | None = None
    """Class table in YAML, as for a folder of one's own; by default the published six."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.raw.class_table import read_class_table
        from roadseg.data_conversion.sets import dual_camera
        from roadseg.errors import RoadsegError

        table, coding = read_class_table(self.classes) if self.classes else (None, "ids")
        if coding != "ids":
            raise RoadsegError(f"{self.classes}: labels: {coding}; two cameras have labels of ids")
        return dual_camera.dual_camera_source(self.source, self.camera_prefixes, table)


@dataclasses.dataclass
class FlowPairsOptions(Output):
    """Pairs of frames with optical flow: lists of "first,second,flow.flo" lines."""

    source: Path = Path("flow")
    """Folder that the paths of a list are relative to."""
    list: tuple[Path, ...] = ()
    """Lists; by default train.txt and test.txt of --source."""
    split_name: tuple[str, ...] = ()
    """Split that each list becomes; by default its file's name."""

    def plan(self) -> Source:
        """Return the files."""
        from roadseg.data_conversion.sets import flow_pairs

        return flow_pairs.flow_source(self.source, self.list, self.split_name)
