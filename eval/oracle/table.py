"""The oracle's result as a table: one row for each sampling size and sampler."""

from rich.table import Table

from roadseg.eval.oracle.ceilings import OracleResult, OracleRow
from roadseg.eval.oracle.samplers import BY_DENSITY, EXACT
from roadseg.eval.tables import new_table, number, size_text

TARGET_PX = 3
FARTHEST_PX = 5
"""Wider bands are in the JSON alone, as pixel accuracy and larger objects are: no room."""


def oracle_table(result: OracleResult) -> Table:
    """Return the table; its title says what exact targets are drawn to."""
    where = f"{result.data_set}, {result.split}, {result.images} images"
    first = result.rows[0]
    radii = [band.radius_px for band in first.boundary if band.radius_px <= FARTHEST_PX]
    heads = ["samples", "sampler", "mIoU", "small\nmIoU", "target\nmIoU"]
    heads += [f"within\n{radius} px" for radius in radii]
    heads += [f"target\n{TARGET_PX} px"]
    heads += [f"recall\n{size_text(size)}" for size in first.objects[:1]]
    heads += ["mixed"]
    lines = [f"ceiling of sampling: {where}", *_drawn_to(result)]
    shown = new_table("\n".join(lines), *heads)
    shown.columns[1].justify = "left"
    weighted = len({row.alpha for row in result.rows if row.alpha is not None}) > 1
    before = first.sampling_size
    for row in result.rows:
        if row.sampling_size != before:
            shown.add_section()
        before = row.sampling_size
        near = [band.accuracy for band in row.boundary_target if band.radius_px == TARGET_PX]
        values = [row.miou, row.miou_small, row.miou_target]
        values += [band.accuracy for band in row.boundary if band.radius_px <= FARTHEST_PX]
        values += [*near, *(size.recall for size in row.objects[:1]), row.interpolated]
        size = "x".join(map(str, row.sampling_size))
        shown.add_row(size, _name(row, weighted), *(number(value, 3) for value in values))
    shown.caption = (
        "within n px of a boundary: accuracy; recall by object area in px\n"
        "mixed: share of pixels between samples of unlike classes"
    )
    return shown


def _name(row: OracleRow, weighted: bool) -> str:
    name = f"{row.sampler}, {row.source}" if row.source else row.sampler
    return f"{name}, a = {row.alpha:g}" if weighted and row.alpha is not None else name


def _drawn_to(result: OracleResult) -> list[str]:
    """Return what the exact targets of each family are, where rows of it are there."""
    lines, of = [], {row.sampler for row in result.rows if row.source == EXACT}
    if "nus" in of:
        rows, columns = result.grid
        weights = sorted({row.alpha for row in result.rows if row.alpha is not None})
        said = ", ".join(f"{weight:g}" for weight in weights)
        drawn = ", ".join(result.target_classes) or "all classes"
        lines.append(f"nus: {rows}x{columns} grid, a = {said}, drawn to {drawn}")
    if of & set(BY_DENSITY):
        drawn = ", ".join(result.density_classes) or "all classes"
        lines.append(f"exact densities: drawn to {drawn}, strength {result.strength:g}")
    return lines
