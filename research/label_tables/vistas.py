"""Mapillary Vistas v1.1 and v1.2 in their own classes: 65 of the 66 ids, the last one unlabelled.

Source: names and colours of `config.json` (Neuhold et al., ICCV 2017), in the order of their ids.
SFSegNets (lxtGH/SFSegNets ba475ba) trains on the ids as they are, with 65 ignored.
"""

from roadseg.label_tables.label_table import Colour, LabelId, LabelTable

IGNORE = 255
UNLABELLED = 65

CLASSES: tuple[tuple[str, Colour], ...] = (
    ("animal--bird", (165, 42, 42)),
    ("animal--ground-animal", (0, 192, 0)),
    ("construction--barrier--curb", (196, 196, 196)),
    ("construction--barrier--fence", (190, 153, 153)),
    ("construction--barrier--guard-rail", (180, 165, 180)),
    ("construction--barrier--other-barrier", (90, 120, 150)),
    ("construction--barrier--wall", (102, 102, 156)),
    ("construction--flat--bike-lane", (128, 64, 255)),
    ("construction--flat--crosswalk-plain", (140, 140, 200)),
    ("construction--flat--curb-cut", (170, 170, 170)),
    ("construction--flat--parking", (250, 170, 160)),
    ("construction--flat--pedestrian-area", (96, 96, 96)),
    ("construction--flat--rail-track", (230, 150, 140)),
    ("construction--flat--road", (128, 64, 128)),
    ("construction--flat--service-lane", (110, 110, 110)),
    ("construction--flat--sidewalk", (244, 35, 232)),
    ("construction--structure--bridge", (150, 100, 100)),
    ("construction--structure--building", (70, 70, 70)),
    ("construction--structure--tunnel", (150, 120, 90)),
    ("human--person", (220, 20, 60)),
    ("human--rider--bicyclist", (255, 0, 0)),
    ("human--rider--motorcyclist", (255, 0, 100)),
    ("human--rider--other-rider", (255, 0, 200)),
    ("marking--crosswalk-zebra", (200, 128, 128)),
    ("marking--general", (255, 255, 255)),
    ("nature--mountain", (64, 170, 64)),
    ("nature--sand", (230, 160, 50)),
    ("nature--sky", (70, 130, 180)),
    ("nature--snow", (190, 255, 255)),
    ("nature--terrain", (152, 251, 152)),
    ("nature--vegetation", (107, 142, 35)),
    ("nature--water", (0, 170, 30)),
    ("object--banner", (255, 255, 128)),
    ("object--bench", (250, 0, 30)),
    ("object--bike-rack", (100, 140, 180)),
    ("object--billboard", (220, 220, 220)),
    ("object--catch-basin", (220, 128, 128)),
    ("object--cctv-camera", (222, 40, 40)),
    ("object--fire-hydrant", (100, 170, 30)),
    ("object--junction-box", (40, 40, 40)),
    ("object--mailbox", (33, 33, 33)),
    ("object--manhole", (100, 128, 160)),
    ("object--phone-booth", (142, 0, 0)),
    ("object--pothole", (70, 100, 150)),
    ("object--street-light", (210, 170, 100)),
    ("object--support--pole", (153, 153, 153)),
    ("object--support--traffic-sign-frame", (128, 128, 128)),
    ("object--support--utility-pole", (0, 0, 80)),
    ("object--traffic-light", (250, 170, 30)),
    ("object--traffic-sign--back", (192, 192, 192)),
    ("object--traffic-sign--front", (220, 220, 0)),
    ("object--trash-can", (140, 140, 20)),
    ("object--vehicle--bicycle", (119, 11, 32)),
    ("object--vehicle--boat", (150, 0, 255)),
    ("object--vehicle--bus", (0, 60, 100)),
    ("object--vehicle--car", (0, 0, 142)),
    ("object--vehicle--caravan", (0, 0, 90)),
    ("object--vehicle--motorcycle", (0, 0, 230)),
    ("object--vehicle--on-rails", (0, 80, 100)),
    ("object--vehicle--other-vehicle", (128, 64, 64)),
    ("object--vehicle--trailer", (0, 0, 110)),
    ("object--vehicle--truck", (0, 0, 70)),
    ("object--vehicle--wheeled-slow", (0, 0, 192)),
    ("void--car-mount", (32, 32, 32)),
    ("void--ego-vehicle", (120, 10, 10)),
    ("void--unlabeled", (0, 0, 0)),
)

_SMALL = (
    "object--street-light",
    "object--support--pole",
    "object--support--utility-pole",
    "object--traffic-light",
    "object--traffic-sign--front",
    "human--person",
    "human--rider--bicyclist",
    "human--rider--motorcyclist",
    "object--vehicle--bicycle",
    "object--vehicle--motorcycle",
)


def mapillary65() -> LabelTable:
    """Return the table of 65 classes; target classes are people and vehicles, as elsewhere."""
    trained = CLASSES[:UNLABELLED]
    names = tuple(name for name, _ in trained)
    wanted = ("human--", "object--vehicle--")
    return LabelTable(
        name="mapillary65",
        names=names,
        colours=tuple(colour for _, colour in trained),
        ignore=IGNORE,
        categories=tuple(name.split("--")[0] for name in names),
        target_classes=tuple(i for i, name in enumerate(names) if name.startswith(wanted)),
        small_classes=tuple(sorted(names.index(name) for name in _SMALL)),
        label_ids=tuple(
            LabelId(i, name, i if i < UNLABELLED else IGNORE, colour, name.split("--")[0])
            for i, (name, colour) in enumerate(CLASSES)
        ),
    )
