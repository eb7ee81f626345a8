"""Cityscapes label ids that the scenes use, by name."""

from roadseg.label_tables.cityscapes import cityscapes

_IDS = {label.name: label.id for label in cityscapes().label_ids}

EGO, OUT_OF_ROI, STATIC = _IDS["ego vehicle"], _IDS["out of roi"], _IDS["static"]
ROAD, SIDEWALK, PARKING = _IDS["road"], _IDS["sidewalk"], _IDS["parking"]
BUILDING, WALL, FENCE = _IDS["building"], _IDS["wall"], _IDS["fence"]
POLE, LIGHT, SIGN = _IDS["pole"], _IDS["traffic light"], _IDS["traffic sign"]
VEGETATION, TERRAIN, SKY = _IDS["vegetation"], _IDS["terrain"], _IDS["sky"]
PERSON, RIDER = _IDS["person"], _IDS["rider"]
CAR, TRUCK, BUS, TRAIN = _IDS["car"], _IDS["truck"], _IDS["bus"], _IDS["train"]
MOTORCYCLE, BICYCLE = _IDS["motorcycle"], _IDS["bicycle"]
