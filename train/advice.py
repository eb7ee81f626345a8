"""What Fast_Seg's author advises on training, as warnings; its defaults are in the recipes."""

from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import task_of

# Source: the advice on training in Fast_Seg 7895738's README.
SMALL_BATCH = 8
SMALL_NETWORKS = ("dfanet", "espnet", "espnet_c", "fast_scnn")
STEPS_FROM_SCRATCH = 60_000


def advice(recipe: Recipe) -> list[str]:
    """Return what in `recipe` goes against the advice, one line each, with the way out."""
    found: list[str] = []
    if not task_of(recipe).labels_images:
        return found
    if recipe.batch_size < SMALL_BATCH:
        found.append(
            f"--batch-size {recipe.batch_size}; batch statistics of fewer than {SMALL_BATCH} "
            f"images are poor: take {SMALL_BATCH} or more if they fit"
        )
    scratch = recipe.start.initial_weights in ("", "none")
    if recipe.model in SMALL_NETWORKS and scratch and recipe.steps < STEPS_FROM_SCRATCH:
        found.append(
            f"--steps {recipe.steps}; {recipe.model} from scratch learns slowly: "
            f"{STEPS_FROM_SCRATCH} or more are advised"
        )
    return found
