"""What `roadseg convert` can be told about pairs of views, and about pairs with optical flow."""

import dataclasses
from pathlib import Path

from roadseg.data_conversion.convert_output import Output, Plan


@dataclasses.dataclass
class DualCameraOptions(Output):
    """Frames of two cameras: image_train, image_val, image_test (no labels), image_label."""

    source: Path = Path("dual_camera")
    """Folder that holds these folders."""
    views: tuple[str, str] = ("fov120", "fov60")
    """How names of frames begin: those of the first view (wide), and those of the other."""
    classes: Path | None = None
    """Class table in YAML, as for a folder of one's own; by default the published six."""

    def plan(self) -> Plan:
        """Return the files and their builder."""
        from roadseg.data_conversion import dual_camera
        from roadseg.data_conversion.folder import read_class_table
        from roadseg.errors import RoadsegError

        table, coding = read_class_table(self.classes) if self.classes else (None, "ids")
        if coding != "ids":
            raise RoadsegError(f"{self.classes}: labels: {coding}; two views have labels of ids")
        source = dual_camera.dual_camera_source(self.source, self.views, table)
        return source, dual_camera.DualCamera


@dataclasses.dataclass
class FlowPairsOptions(Output):
    """Pairs of frames with optical flow: lists of "first,second,flow.flo" lines."""

    source: Path = Path("flow")
    """Folder that the paths of a list are relative to."""
    list: tuple[Path, ...] = ()
    """Lists; by default train.txt and test.txt of --source."""
    split_name: tuple[str, ...] = ()
    """Split that each list becomes; by default its file's name."""

    def plan(self) -> Plan:
        """Return the files and their builder."""
        from roadseg.data_conversion import flow_pairs

        source = flow_pairs.flow_source(self.source, self.list, self.split_name)
        return source, flow_pairs.FlowPairs
