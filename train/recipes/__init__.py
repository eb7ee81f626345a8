"""One flat file of published numbers for each recipe, found in a table by name."""

import difflib
import importlib

from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe

FAST_SEG = (
    "bisenet",
    "dfanet",
    "dfseg_v1",
    "dfseg_v2",
    "espnet",
    "espnet_c",
    "fast_scnn",
    "icnet",
    "msfnet",
    "pspnet_50",
    "pspnet_101",
    "swiftnet",
)

# Networks in front of real-time tables since: recipe -> where it is written.
REAL_TIME = {
    "dabnet": ("dabnet", "CITYSCAPES"),
    "dabnet_camvid": ("dabnet", "CAMVID"),
    "ddrnet_23": ("ddrnet", "DDRNET_23"),
    "ddrnet_23_slim": ("ddrnet", "DDRNET_23_SLIM"),
    "espnetv2": ("espnetv2", "SECOND_STAGE"),
    "espnetv2_256x512": ("espnetv2", "FIRST_STAGE"),
    "pidnet_l": ("pidnet", "PIDNET_L"),
    "pidnet_m": ("pidnet", "PIDNET_M"),
    "pidnet_m_camvid": ("pidnet", "PIDNET_M_CAMVID"),
    "pidnet_s": ("pidnet", "PIDNET_S"),
    "pidnet_s_camvid": ("pidnet", "PIDNET_S_CAMVID"),
}

# Data set -> what is special, "" for nothing -> networks.
SFSEGNETS: dict[str, dict[str, tuple[str, ...]]] = {
    "cityscapes": {
        "": (
            "sfnet_resnet18",
            "sfnet_resnet50",
            "sfnet_resnet101",
            "sfnet_dfnet_v1",
            "sfnet_dfnet_v2",
            "sfnet_stdc1",
            "sfnet_stdc2",
            "sfnet_lite_resnet18",
            "sfnet_lite_stdc1",
            "sfnet_lite_stdc2",
        ),
        "_side_heads": ("sfnet_resnet18",),
        "_coarse": ("sfnet_lite_resnet18",),
        "_coarse_trainval": ("sfnet_lite_resnet18",),
    },
    "bdd100k": {
        "": (
            "sfnet_resnet18",
            "sfnet_dfnet_v1",
            "sfnet_dfnet_v2",
            "sfnet_lite_resnet18",
            "sfnet_lite_stdc2",
        ),
    },
    "idd": {
        "": (
            "sfnet_resnet18",
            "sfnet_stdc1",
            "sfnet_stdc2",
            "sfnet_lite_resnet18",
            "sfnet_lite_stdc1",
            "sfnet_lite_stdc2",
        ),
    },
    "mapillary": {
        "": ("sfnet_resnet18", "sfnet_lite_resnet18", "sfnet_lite_stdc1", "sfnet_lite_stdc2"),
    },
    "uds": {
        "": (
            "sfnet_stdc1",
            "sfnet_stdc2",
            "sfnet_lite_resnet18",
            "sfnet_lite_stdc1",
            "sfnet_lite_stdc2",
        ),
    },
    "camvid": {"": ("sfnet_resnet18", "sfnet_dfnet_v2")},
}
ONE_GPU = "_one_gpu"

SEMANTICS_SHARING = (
    "segmentation",
    "flow",
    "flow_views",
    "fusion_narrow",
    "fusion_wide",
    "whole",
    "fusion_narrow_tight",
    "fusion_wide_tight",
    "whole_tight",
)

# Name of the recipe -> where it is written.
RECIPES = {
    "nus/sampler": ("roadseg.train.recipes.nus.sampler", "RECIPE"),
    "nus/deeplabv3_mobilenet_v2": ("roadseg.train.recipes.nus.deeplabv3_mobilenet_v2", "RECIPE"),
    "camvid/sampler": ("roadseg.train.recipes.camvid.nus", "SAMPLER"),
    "camvid/deeplabv3_mobilenet_v2": ("roadseg.train.recipes.camvid.nus", "DEEPLABV3_MOBILENET_V2"),
    "camvid/sampled_deeplabv3_050": ("roadseg.train.recipes.camvid.nus", "SAMPLED_050"),
    "camvid/sampled_deeplabv3_100": ("roadseg.train.recipes.camvid.nus", "SAMPLED_100"),
    "camvid/sampled_espnet": ("roadseg.train.recipes.camvid.nus", "SAMPLED_ESPNET"),
    "camvid/dabnet": ("roadseg.train.recipes.camvid.dabnet", "DABNET"),
    "camvid/espnet": ("roadseg.train.recipes.camvid.fast_seg", "ESPNET"),
    "camvid/fast_scnn": ("roadseg.train.recipes.camvid.fast_seg", "FAST_SCNN"),
    "demo/density": ("roadseg.train.recipes.demo", "DENSITY"),
    "demo/backbone": ("roadseg.train.recipes.demo", "BACKBONE"),
    "demo/even": ("roadseg.train.recipes.demo", "EVEN"),
    "demo/chosen": ("roadseg.train.recipes.demo", "CHOSEN"),
    "sampling/density": ("roadseg.train.recipes.sampling", "DENSITY"),
    "sampling/prior": ("roadseg.train.recipes.sampling", "PRIOR"),
    "sgcpnet/cityscapes": ("roadseg.train.recipes.sgcpnet.cityscapes", "RECIPE"),
    "sgcpnet/cityscapes_one_gpu": ("roadseg.train.recipes.sgcpnet.cityscapes", "ONE_GPU"),
    "sgcpnet/cityscapes_earlier": ("roadseg.train.recipes.sgcpnet.cityscapes", "EARLIER"),
    "sgcpnet/camvid": ("roadseg.train.recipes.sgcpnet.camvid", "RECIPE"),
    "sgcpnet/camvid_one_gpu": ("roadseg.train.recipes.sgcpnet.camvid", "ONE_GPU"),
    "sgcpnet/pascal_context": ("roadseg.train.recipes.sgcpnet.pascal_context", "RECIPE"),
}
for _network in FAST_SEG:
    _module = f"roadseg.train.recipes.fast_seg.{_network}"
    RECIPES[f"fast_seg/{_network}"] = (_module, "RECIPE")
    RECIPES[f"fast_seg/{_network}_one_gpu"] = (_module, "ONE_GPU")
for _name, (_file, _variable) in REAL_TIME.items():
    _module = f"roadseg.train.recipes.real_time.{_file}"
    RECIPES[f"real_time/{_name}"] = (_module, _variable)
    RECIPES[f"real_time/{_name}{ONE_GPU}"] = (_module, f"{_variable}_ONE_GPU")
for _stage in SEMANTICS_SHARING:
    for _name in (_stage, f"{_stage}_small"):
        _place = ("roadseg.train.recipes.semantics_sharing", _name.upper())
        RECIPES[f"semantics_sharing/{_name}"] = _place
for _data_set, _kinds in SFSEGNETS.items():
    _module = f"roadseg.train.recipes.sfsegnets.{_data_set}"
    for _kind, _networks in _kinds.items():
        for _network in _networks:
            _place = (_module, f"{_network}{_kind}".upper())
            RECIPES[f"sfsegnets/{_network}_{_data_set}{_kind}"] = _place
            RECIPES[f"sfsegnets/{_network}_{_data_set}{_kind}{ONE_GPU}"] = _place


def get(name: str) -> Recipe:
    """Return the recipe called `name`; raise RoadsegError naming the near ones if there is none."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=3, cutoff=0.4) or list(RECIPES)
        raise RoadsegError(f"--recipe {name}: no such recipe; near: {', '.join(near)}")
    module, variable = RECIPES[name]
    recipe: Recipe = getattr(importlib.import_module(module), variable)
    if name.startswith("sfsegnets/") and name.endswith(ONE_GPU):
        from roadseg.train.recipes.sfsegnets.shared import on_one_gpu

        return on_one_gpu(recipe)
    return recipe
