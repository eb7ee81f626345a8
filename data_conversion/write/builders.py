"""The tfds builders of all data sets, by the name of their records; they bring TensorFlow in.

tfds wants a class in a module for each; how files are found is in the modules of the data sets.
"""

from roadseg.data_conversion.sets.dual_camera import DualCameraCoding
from roadseg.data_conversion.write.builder import RecordBuilder
from roadseg.data_conversion.write.two_camera_builder import TwoCameraBuilder


class Cityscapes(RecordBuilder):
    """tfds builder of Cityscapes records."""

    name = "cityscapes"


class StreetScenes(RecordBuilder):
    """tfds builder of drawn street scenes, which have Cityscapes' layout and ids."""

    name = "street_scenes"


class CityscapesCategories(RecordBuilder):
    """tfds builder of Cityscapes records with its seven categories as classes."""

    name = "cityscapes_categories"


class StreetScenesCategories(RecordBuilder):
    """tfds builder of drawn street scenes with the seven categories as classes."""

    name = "street_scenes_categories"


class CamVid(RecordBuilder):
    """tfds builder of CamVid as the SegNet tutorial published it."""

    name = "camvid"


class CamVidOriginal(RecordBuilder):
    """tfds builder of CamVid in its original colours, grouped into the same 11 classes."""

    name = "camvid_original"


class Mapillary(RecordBuilder):
    """tfds builder of Mapillary Vistas in Cityscapes' 19 classes."""

    name = "mapillary"


class Mapillary65(RecordBuilder):
    """tfds builder of Mapillary Vistas in its own 65 classes."""

    name = "mapillary65"


class BDD100K(RecordBuilder):
    """tfds builder of BDD100K's segmentation images."""

    name = "bdd100k"


class IDD(RecordBuilder):
    """tfds builder of IDD in Cityscapes' 19 classes."""

    name = "idd"


class KITTI(RecordBuilder):
    """tfds builder of KITTI's 200 labelled images."""

    name = "kitti"


class UDS(RecordBuilder):
    """tfds builder of the merged set."""

    name = "uds"


class DualCamera(TwoCameraBuilder):
    """tfds builder of pairs of frames of two cameras."""

    name = "dual_camera"
    label_coding = DualCameraCoding


class FlowPairs(TwoCameraBuilder):
    """tfds builder of pairs of frames and the optical flow between them."""

    name = "flow_pairs"


_SETS = (
    *(CityscapesCategories, StreetScenesCategories),
    *(Cityscapes, StreetScenes, CamVid, CamVidOriginal, Mapillary, Mapillary65),
    *(BDD100K, IDD, KITTI, UDS, DualCamera, FlowPairs),
)
BUILDERS: dict[str, type[RecordBuilder]] = {builder.name: builder for builder in _SETS}


def folder_builder(name: str) -> type[RecordBuilder]:
    """Return a tfds builder of records of one's own, called `name`."""

    class Folder(RecordBuilder):
        """tfds builder of a folder of one's own."""

    Folder.name = name
    return Folder
