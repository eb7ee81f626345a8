"""What is known of a data set before any image is looked at: its frame."""

from roadseg.data_conversion.read.records import RecordSet
from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe
from roadseg.tasks.table import task_of


def with_frame(recipe: Recipe, records: RecordSet) -> Recipe:
    """Return `recipe` with crop_size 0 0 replaced by the size that all images of `records` have.

    Raises RoadsegError where they have several sizes.
    """
    if max(recipe.augment.crop_size) > 0 or task_of(recipe).reads_pairs(recipe):
        return recipe
    if records.image_size is None:
        raise RoadsegError(
            f"{recipe.records}: images of several sizes, so --augment.crop-size 0 0 says nothing; "
            "give --augment.crop-size HEIGHT WIDTH"
        )
    return recipe.replace(augment={"crop_size": records.image_size})
