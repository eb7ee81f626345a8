"""The task 'segmentation': one image to the class of each pixel."""

from roadseg.recipe.protocol import IMAGE_PROTOCOLS
from roadseg.tasks.task import Task


class Segmentation(Task):
    """Class logits of single images."""

    name = "segmentation"
    learns = "class logits"
    labels = True
    protocols = IMAGE_PROTOCOLS
