"""What a network's original calls its weights, and which of them may be absent or left over."""

from collections.abc import Callable
from dataclasses import dataclass

BACKBONE = ("backbone.",)
CLASSIFIER = ("fc.weight", "fc.bias")
"""ImageNet's last layer in PyTorch's ResNets and the backbones of Fast_Seg. Fast_Seg skips every
name that begins with `fc`, and so DFANet's attention `fca`; here that is loaded."""


@dataclass(frozen=True)
class Original:
    """Names and kernels of an original. Defaults: our own names, kernels as Keras has them."""

    reference_name: Callable[[str], str] = str
    """Gives the original's name of a weight, from its path here."""
    layout: str = "tensorflow"
    """Axis order of the kernels, 'tensorflow' (as Keras has it) or 'pytorch'."""
    backbone: tuple[str, ...] = BACKBONE
    """How paths begin here that weights trained on ImageNet fill; the rest is the head."""
    auxiliary_heads: tuple[str, ...] = ()
    """How the names of auxiliary heads begin, which only some builds and some files have."""
    unused_in_original: tuple[str, ...] = ()
    """How names begin that no output of the original depends on and that are left out here."""
    aliases: tuple[tuple[str, str], ...] = ()
    """How names begin in published backbones, and in the original itself, where the two differ."""

    def renamed(self, name: str) -> str:
        """Return the original's own name of the weight that a published backbone calls `name`."""
        for theirs, own in self.aliases:
            if name.startswith(theirs):
                return own + name.removeprefix(theirs)
        return name


def backbone_scope(source: set[str], wanted: set[str]) -> str:
    """Return what has to precede the names of `source` so that they are among those `wanted`.

    A backbone is published under names of its own: `layer1.0.conv1.weight` there is
    `backbone.layer1.0.conv1.weight` in a network. '' if names agree already or nothing helps.
    """
    if source & wanted:
        return ""
    ends = [(name, other) for name in source for other in wanted if other.endswith("." + name)]
    scopes = {other.removesuffix(name) for name, other in ends}
    found = {scope: sum(scope + name in wanted for name in source) for scope in scopes}
    # Sorted, so that of equally good ones the same is chosen each time.
    return max(sorted(found), key=found.__getitem__) if found else ""
