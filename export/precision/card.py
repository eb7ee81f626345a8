"""What the model card for people says of precision, calibration and verdict."""

from typing import Any

from roadseg.export.verdict import in_words

# Layers that stay in float, in the card for people.
NAMED = 12
MEANING = {
    "float32": "float32 throughout",
    "float16": "weights in half precision (float16)",
    "int8": "8-bit integers, ranges measured on images",
}


def precision_text(card: dict[str, Any]) -> list[str]:
    """Return the paragraphs of the card; none for a file of which nothing but its format is known.

    card: with "precision", and "int8", "calibration" and "verdict" where there are such.
    """
    if "precision" not in card:
        return []
    parts = ["## Precision", f"{card['precision']}: {MEANING[card['precision']]}."]
    if "int8" in card:
        parts += [_calibration(card["calibration"]), _layers(card["int8"])]
    if "verdict" in card:
        parts.append(f"Verdict: {in_words(card['verdict'])}.")
    return parts


def _calibration(source: dict[str, Any]) -> str:
    of = f" of {source['of']}" if "of" in source else ""
    name = f" `{source['name']}`" if "name" in source else ""
    return (
        f"Ranges were measured on {source['images']}{of} images: {source['kind']}{name}, seed "
        f"{source['seed']}."
    )


def _layers(facts: dict[str, Any]) -> str:
    bits = facts["weight_bits"]
    weights = f"Weights have {bits} bits"
    if bits == 7:
        weights += (
            ", since processors with AVX2 and without VNNI cut off sums of 8-bit products; the "
            "file gives the same labels there"
        )
    weights += f". Ranges are the {facts['ranges']}"
    before, after = facts["other_labels_all_in_8_bits"], facts["other_labels"]
    kept = facts["layers_in_float"]
    if not kept:
        return f"{weights}. All {facts['layers']} layers are in 8 bits."
    names = ", ".join(f"`{name.rpartition(';')[2]}`" for name in kept[:NAMED])
    if len(kept) > NAMED:
        names += f" and {len(kept) - NAMED} more, which model_card.json names"
    return (
        f"{weights}. {len(kept)} of {facts['layers']} layers stay in float, since with all in 8 "
        f"bits {before:.2%} of the labels became other ones, now {after:.2%}: {names}."
    )
