"""Recipes as version 0.1 stored them: flat, and by other names."""

from collections.abc import Mapping
from typing import Any

NEW_NAMES = {
    "model_options": "network.options",
    "evaluation_options": "network.evaluation_options",
    "void_class": "network.void_class",
    "auxiliary_heads": "network.auxiliary_heads",
    "rig": "network.rig",
    "initial_weights": "start.initial_weights",
    "initial_weights_part": "start.part",
    "stages_before": "start.stages",
    "new_parts": "start.new_parts",
    "fix": "start.frozen",
    "moving_statistics": "start.update_frozen_statistics",
    "cache": "data.cache",
    "shuffle_buffer": "data.shuffle_buffer",
    "crop_size": "augment.crop_size",
    "padding": "augment.padding",
    "padding_at": "augment.padding_position",
    "min_scale": "augment.min_scale",
    "max_scale": "augment.max_scale",
    "scale_step": "augment.scale_step",
    "scale_draw": "augment.scale_distribution",
    "min_side": "augment.min_side",
    "scaling": "augment.resize",
    "flip_probability": "augment.flip_probability",
    "colour_jitter": "augment.colour_jitter",
    "blur_sigma": "augment.blur_sigma",
    "class_uniform_pct": "class_uniform.fraction",
    "class_uniform_tile": "class_uniform.tile",
    "class_uniform_gaps": "class_uniform.absent_classes",
    "coarse_split": "class_uniform.coarse_split",
    "coarse_boost_classes": "class_uniform.coarse_classes",
    "max_cu_epoch": "class_uniform.coarse_until_epoch",
    "centroid_crop": "class_uniform.crop_position",
    "sampler": "sampling.kind",
    "sampling_size": "sampling.size",
    "sampler_run": "sampling.sampler_run",
    "sampling_window": "sampling.window",
    "sampler_strength": "sampling.strength",
    "grid_size": "sampler.grid_size",
    "auxiliary_input": "sampler.input_size",
    "auxiliary_depth_multiplier": "sampler.width",
    "density_width": "sampler.density_width",
    "target_alpha": "sampler.alpha",
    "target_classes": "sampler.classes",
    "target_weights": "sampler.class_weights",
    "targets": "sampler.targets",
    "flow_pairs": "flow.pairs",
    "flow_shift_px": "flow.shift_px",
    "flow_tilt": "flow.tilt",
    "flow_parallax_px": "flow.parallax_px",
    "flow_loss": "flow.loss",
    "loss": "loss.kind",
    "main_weight": "loss.main_weight",
    "loss_size": "loss.size",
    "ohem_threshold": "loss.ohem_threshold",
    "ohem_min_kept": "loss.ohem_min_kept",
    "class_weights": "loss.class_weights",
    "auxiliary_loss": "loss.auxiliary_kind",
    "auxiliary_weight": "loss.auxiliary_weight",
    "boundary_from": "loss.boundary_from",
    "edge_weight": "edges.weight",
    "edge_aware_weight": "edges.aware_weight",
    "edge_gate": "edges.gate",
    "edge_size": "edges.size",
    "edge_margin": "edges.margin",
    "edges_from": "edges.found_in",
    "optimizer": "optimizer.kind",
    "learning_rate": "optimizer.learning_rate",
    "momentum": "optimizer.momentum",
    "adam_betas": "optimizer.adam_betas",
    "max_gradient_norm": "optimizer.max_gradient_norm",
    "weight_decay": "optimizer.weight_decay",
    "weight_decay_on": "optimizer.weight_decay_on",
    "pretrained_layers": "optimizer.pretrained_layers",
    "pretrained_factor": "optimizer.pretrained_factor",
    "pretrained_decay": "optimizer.pretrained_decay",
    "bias_gradient_factor": "optimizer.bias_gradient_factor",
    "ema": "optimizer.ema_decay",
    "schedule": "schedule.kind",
    "rate_every_steps": "schedule.update_every_steps",
    "rate_ahead": "schedule.one_interval_ahead",
    "power": "schedule.power",
    "warm_up_steps": "schedule.warm_up_steps",
    "warm_up_from": "schedule.warm_up_from",
    "poly_steps_beyond": "schedule.extra_steps",
    "final_learning_rate": "schedule.final_learning_rate",
    "halve_every_steps": "schedule.halve_every_steps",
    "halve_at_steps": "schedule.halve_at_steps",
    "local_norms": "batch_norm.unsynchronised",
    "batch_norm_momentum": "batch_norm.momentum",
    "frozen_batch_norm": "batch_norm.frozen",
    "checkpoint_every_steps": "log.checkpoint_every_steps",
    "checkpoint_every_seconds": "log.checkpoint_every_seconds",
    "keep_checkpoints": "log.keep_checkpoints",
    "summary_every_steps": "log.summary_every_steps",
    "pictures_every_steps": "log.pictures_every_steps",
}
"""What the fields of a flat recipe are called now."""
NEW_VALUES = {
    ("class_uniform.absent_classes", "fill"): "redistribute",
    ("class_uniform.absent_classes", "leave"): "skip",
    ("class_uniform.crop_position", "published"): "sfsegnets",
    ("task", "sampling"): "sampling_grid",
    ("task", "two_views"): "two_cameras",
    ("model", "auxiliary"): "nus_sampler",
}
"""What some values of a field are called now."""


def new_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a flat recipe by the names of today; names it does not know stay."""
    values = dict(values)
    if "sampling" in values:  # before samplers were a family
        kind = values.pop("sampling")
        values["sampler"] = "nus" if kind == "adaptive" else kind
        values.setdefault("sampling_window", "crop")
    if "auxiliary_run" in values:
        values["sampler_run"] = values.pop("auxiliary_run")
    return new_values({NEW_NAMES.get(name, name): value for name, value in values.items()})


def new_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the fields' names of today, those that were called otherwise renamed."""
    found = dict(values)
    for (name, old), new in NEW_VALUES.items():
        if found.get(name) == old:
            found[name] = new
    return found
