"""Sections of the report on sampling: how good samplers are, and where they sample."""

from collections.abc import Sequence

import numpy as np

from roadseg.eval.report.charts import grid_chart
from roadseg.eval.report.data import ReportedRun
from roadseg.eval.report.html import Child, Html, figure, h, picture, section, table
from roadseg.eval.report.pictures import PicturedImage


def samplers(runs: Sequence[ReportedRun]) -> Html | None:
    """Return the scores of runs that trained samplers; None without any."""
    parts = [part for part in (_densities(runs), _published(runs)) if part]
    return section("Samplers", parts) if parts else None


def _densities(runs: Sequence[ReportedRun]) -> list[Child]:
    rows: list[Sequence[Child]] = []
    for run in runs:
        found = run.density
        if found is None:
            continue
        errors = found.cross_entropy, found.entropy, found.best_fixed, found.uniform
        residuals = f"{found.residual:.3f}", f"{found.residual_worst:.3f}"
        cells = f"{found.folded:,} of {found.cells * found.images:,}"
        shown = [f"{value:.4f}" for value in errors]
        rows.append([run.name, run.sampling, f"{found.step:,}", *shown, *residuals, cells])
    if not rows:
        return []
    head = ["Run", "Density", "Step", "Cross entropy", "Floor", "Best fixed", "Uniform"]
    head += ["Residual", "Worst", "Folded cells"]
    note = (
        "Cross entropy of the true densities with the predicted ones, in nats: the floor is what a "
        "perfect network would reach, best fixed the best density that is one for all of these "
        "images, in hindsight. Residual: deviation of the logarithm of the masses of a grid's "
        "cells, 0 where all hold the same share. Folded cells have to be 0."
    )
    return [table(head, rows), h("p", note, class_="note")]


def _published(runs: Sequence[ReportedRun]) -> list[Child]:
    rows: list[Sequence[Child]] = []
    for run in runs:
        found = run.grid
        if found is not None:
            errors = found.mse, found.mse_projected, found.mse_uniform
            shown = [f"{value:.6f}" for value in errors]
            rows.append([run.name, run.sampling, f"{found.step:,}", *shown])
    if not rows:
        return []
    note = (
        "Mean squared error of the predicted sampling grid against the exact targets, 0..1 "
        "coordinates; a useful network stays below the uniform grid."
    )
    head = ["Run", "Grid", "Step", "Raw (as published)", "Projected", "Uniform grid"]
    return [table(head, rows), h("p", note, class_="note")]


def grids(runs: Sequence[ReportedRun], pictured: Sequence[PicturedImage]) -> Html | None:
    """Return labels, densities and meshes of runs behind learned sampling; None without any."""
    blocks = []
    for place, run in enumerate(runs):
        shown = [child for one in pictured for child in _sampled(one, place)]
        if shown:
            shown.append(_mean_grid(pictured, place))
            blocks += [h("h3", f"{run.name}: {run.sampling}"), h("div", shown, class_="pictures")]
    if not blocks:
        return None
    note = (
        "Density: where the sampler expects boundaries, bright where it is high. Every line joins "
        "samples of one row or column, a few of the rows and columns drawn. Where lines lie close "
        "together, the network sees more of the image. Views that share an image have a colour "
        "each."
    )
    return section("Sampling", blocks, note=note)


def _sampled(one: PicturedImage, place: int) -> list[Child]:
    """Return the label, the density if there is one, and the mesh of one image, or nothing."""
    seen = one.seen[place]
    if seen.grid is None:
        return []
    shown: list[Child] = [figure(picture(one.truth, f"ground truth of {one.name}"), one.name)]
    if seen.density is not None:
        shown.append(figure(picture(seen.density, f"density of {one.name}"), "density"))
    return [*shown, figure(picture(seen.grid, f"sampling mesh on {one.name}"), "sampling mesh")]


def _mean_grid(pictured: Sequence[PicturedImage], place: int) -> Html | None:
    """Return the mean mesh; None where images of several sizes have other numbers of views."""
    meshes = [one.seen[place].meshes for one in pictured]
    known = [mesh for mesh in meshes if mesh is not None]
    if len({mesh.shape for mesh in known}) != 1:
        return None
    height, width = pictured[0].image.shape[:2]
    text = f"mean of these {len(known)} images"
    return figure(Html(grid_chart(np.mean(known, axis=0), text, height / width)), text)
