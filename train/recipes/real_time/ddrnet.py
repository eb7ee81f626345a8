"""DDRNet on Cityscapes. Its authors publish no training code; a copy reaches their scores.

Source of every value without another: chenjun2hao/DDRNet.pytorch, commit bc0e193 (77.77 % on val
with mirroring, retrained). The authors report 77.8 for 23-slim and 79.5 for 23, and add
class-balanced sampling (class_uniform_pct here) and synchronised batch statistics.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu
from roadseg.train.recipes.real_time.pidnet import PIDNET_S

EPOCH = 2975 // 16

DDRNET_23_SLIM: Recipe = PIDNET_S.replace(
    name="real_time/ddrnet_23_slim",
    source="DDRNet.pytorch bc0e193; weights of the two losses as its names say",
    model="ddrnet_23_slim",
    start={"initial_weights": "pretrained/DDRNet23s_imagenet.pth"},
    loss={
        # As the copy runs, its weights meet the other output: main_weight 0.4, auxiliary 1.
        "main_weight": 1.0,
        "auxiliary_weight": 0.4,
    },
    edges={
        "found_in": "crop",  # it has no head for them
    },
    batch_size=16,  # 2 GPUs x 8
    steps=484 * EPOCH,
    log={"checkpoint_every_steps": 5 * EPOCH},
)
DDRNET_23: Recipe = DDRNET_23_SLIM.replace(
    name="real_time/ddrnet_23",
    model="ddrnet_23",
    start={"initial_weights": "pretrained/DDRNet23_imagenet.pth"},
)

DDRNET_23_SLIM_ONE_GPU = on_one_gpu(DDRNET_23_SLIM, batch_size=8, per_device=8)
DDRNET_23_ONE_GPU = on_one_gpu(DDRNET_23, batch_size=8, per_device=8)
