"""DDRNet on Cityscapes. Its authors publish no training code; a copy reaches their scores.

Source of every value without another: chenjun2hao/DDRNet.pytorch, commit bc0e193 (77.77 % on val
with mirroring, retrained). The authors report 77.8 for 23-slim and 79.5 for 23, and add
class-balanced sampling (class_uniform_pct here) and synchronised batch statistics.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu
from roadseg.train.recipes.real_time.pidnet import PIDNET_S

EPOCH = 2975 // 16

DDRNET_23_SLIM: Recipe = replace(
    # The copy has PIDNet's input, losses and optimiser, both after HRNet's code.
    PIDNET_S,
    name="real_time/ddrnet_23_slim",
    source="DDRNet.pytorch bc0e193; weights of the two losses as its names say",
    model="ddrnet_23_slim",
    initial_weights="pretrained/DDRNet23s_imagenet.pth",
    # As the copy runs, its weights meet the other output: --main-weight 0.4 --auxiliary-weight 1.
    main_weight=1.0,
    auxiliary_weight=0.4,
    edges_from="crop",  # it has no head for them
    batch_size=16,  # 2 GPUs x 8
    steps=484 * EPOCH,
    checkpoint_every_steps=5 * EPOCH,
)
DDRNET_23: Recipe = replace(
    DDRNET_23_SLIM,
    name="real_time/ddrnet_23",
    model="ddrnet_23",
    initial_weights="pretrained/DDRNet23_imagenet.pth",
)

DDRNET_23_SLIM_ONE_GPU = on_one_gpu(DDRNET_23_SLIM, batch_size=8, per_device=8)
DDRNET_23_ONE_GPU = on_one_gpu(DDRNET_23, batch_size=8, per_device=8)
