"""What the training of every network of Fast_Seg has in common, and how it moves to one GPU.

Source of every value without another: lxtGH/Fast_Seg, commit 7895738, train_distribute.py with the
arguments of its scripts. Where no script is published for a network, its file says what was chosen.
"""

from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe

SHARED = Recipe(
    name="fast_seg/shared",
    task="segmentation",
    source="Fast_Seg 7895738, train_distribute.py",
    measured="not trained here",
    records="records",
    split="train",  # 2,975 images
    augment=groups.Augment(
        # Input: scale, pad, crop, mirror.
        crop_size=(832, 832),
        padding="mean",  # 0 after normalisation
        min_scale=0.7,  # 0.7, 0.8 .. 2.1: 15 values
        max_scale=2.1,
        scale_step=0.1,
        resize="half_pixel",  # OpenCV
        flip_probability=0.5,
    ),
    data=groups.Data(
        # The original shuffles the whole list, 7 GB of records; here the shards and 500 records.
        shuffle_buffer=500,
    ),
    loss=groups.Loss(
        # Loss: main logits with mining, auxiliary heads without (CriterionOhemDSN).
        kind="ohem",
        ohem_threshold=0.7,
        ohem_min_kept=100_000,  # pixels of the batch of one device, 4 images there
        auxiliary_kind="cross_entropy",
        auxiliary_weight=0.4,
    ),
    network=groups.Network(auxiliary_heads=True),
    # Optimisation. Batch statistics are synchronised wherever there are several replicas.
    batch_size=16,  # 4 GPUs x 4
    # Its loader rounds 50,000 up to whole epochs: 50,575 steps on 2,975 images.
    steps=50_000,
    optimizer=groups.Optimizer(
        kind="sgd",
        learning_rate=0.01,
        momentum=0.9,
        weight_decay=5e-4,
        weight_decay_on="all",  # norms and biases too: one parameter group
    ),
    schedule=groups.Schedule(
        kind="poly",
        power=0.9,
    ),
    precision="float32",
    seed=1234,  # there the argument is read and never used
    log=groups.Log(
        # There: every 5,000 steps once past 40,000, and at the end.
        checkpoint_every_steps=5_000,
        pictures_every_steps=1_000,
    ),
    protocol=PROTOCOLS["fast_seg"],
)


def on_one_gpu(recipe: Recipe, batch_size: int = 8, per_device: int = 4) -> Recipe:
    """Return `recipe` for one GPU, at the smallest batch that Fast_Seg advises, 8.

    The run sees as many images: steps grow as the batch shrinks. The rate of SGD shrinks with the
    batch (Goyal et al. 2017, the linear rule), Adam's with its root (Malladi et al. 2022). One
    device now mines the pixels of `batch_size` images in place of `per_device`, so it keeps as many
    more.
    """
    factor, epoch = batch_size / recipe.batch_size, recipe.schedule.update_every_steps
    rate = factor if recipe.optimizer.kind == "sgd" else factor**0.5
    return recipe.replace(
        name=f"{recipe.name}_one_gpu",
        source=f"{recipe.source}; batch {batch_size} for one GPU is ours",
        batch_size=batch_size,
        steps=round(recipe.steps / factor),
        schedule={
            "halve_every_steps": round(recipe.schedule.halve_every_steps / factor),
            "update_every_steps": round(epoch / factor) if epoch > 1 else 1,
            "final_learning_rate": round(recipe.schedule.final_learning_rate * rate, 9),
        },
        optimizer={"learning_rate": round(recipe.optimizer.learning_rate * rate, 6)},
        loss={"ohem_min_kept": recipe.loss.ohem_min_kept * batch_size // per_device},
    )
