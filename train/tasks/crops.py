"""Training on crops of single images, which several tasks share."""

from collections.abc import Callable

from roadseg.data_conversion.read.records import RecordSet, parse_encoded
from roadseg.recipe.recipe import Recipe
from roadseg.train.data import augment, colour, edges
from roadseg.train.tasks.task import Batch, Tensor, TrainingTask


class CropTraining(TrainingTask):
    """Crops that are drawn from the records, with their labels."""

    def parser(self, recipe: Recipe, records: RecordSet) -> Callable[[Tensor], Batch]:
        """Return what makes an example, as `element` takes it, of the bytes of a record.

        Crops are cut out of the bytes of images, most of which they do not show.
        """
        return parse_encoded if augment.cuts_out(recipe) else super().parser(recipe, records)

    def element(
        self, place: Tensor, example: Batch, recipe: Recipe, records: RecordSet, padded: bool
    ) -> Batch:
        """Return a crop: "image", "label", and "content" and "edges" where there are any."""
        draw, centroid = augment.draws(recipe.seed, place), example.get("centroid")
        image, label = example["image"], example["label"]
        if recipe.edges.found_in == "image":
            label = edges.with_edges(label, recipe)
        found = augment.random_crop(image, label, draw, recipe, padded, centroid)._asdict()
        if recipe.edges.found_in == "image":
            found |= edges.apart(found["label"])
        found["image"] = colour.changed(found["image"], recipe, place)
        if not padded:
            del found["content"]
        return found
