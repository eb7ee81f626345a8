"""Charts of the report as SVG text: lines, grouped bars, heat maps; the page colours them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 12, 46


@dataclass(frozen=True)
class Series:
    """One line or one set of bars. `colour` is the number of a run, 0 first; NaN leaves a gap."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    faint: bool = False
    markers: bool = False
    named: bool = False
    """Whether the label stands beside the first marker."""


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers (1, 2, 2.5 or 5 times a power of ten) within low..high."""
    if not high > low:
        return [low]
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    # Rounding must not cost the tick at either end.
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def short_number(value: float) -> str:
    """Return `value` as an axis label: 20k, 1.5M, 0.25, 1e-05."""
    size = abs(value)
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


@dataclass(frozen=True)
class _Frame:
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_ticks: Sequence[float] | None = None,
    y_range: tuple[float, float] | None = None,
    x_margin: float = 0.0,
) -> str:
    """Return the lines of `series` as SVG; '' if there is not one finite value.

    title: what the chart shows, for screen readers. x_ticks: where labels stand, default round
    numbers. y_range: (low, high), default the range of the values with a margin. x_margin: of the
    range of x, on both sides.
    """
    finite = [
        (x, y)
        for one in series
        for x, y in zip(one.x, one.y, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    if not finite:
        return ""
    frame = _Frame(
        _widened([x for x, _ in finite], x_margin),
        y_range or _widened([y for _, y in finite], 0.06),
    )
    parts = [_open(title), _y_axis(frame, y_label), _x_axis_label(x_label)]
    for tick in x_ticks or nice_ticks(*frame.x_range, count=6):
        place = frame.x(tick)
        parts.append(f'<line class="tick" x1="{place:.1f}" x2="{place:.1f}" ')
        parts.append(f'y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}"/>')
        parts.append(_text(place, HEIGHT - BOTTOM + 18, short_number(tick), "middle"))
    parts += [_line(one, frame) for one in series]
    parts += _names([one for one in series if one.named], frame)
    return "".join([*parts, "</svg>"])


def bar_chart(
    series: Sequence[Series],
    names: Sequence[str],
    *,
    title: str,
    x_label: str,
    y_label: str,
    notes: Sequence[str] | None = None,
) -> str:
    """Return grouped bars of `series` (values 0..1), one group for each of `names`, as SVG.

    notes: a second, smaller line below each name (how many objects, say).
    """
    frame = _Frame((0.0, float(len(names))), (0.0, 1.0))
    parts = [_open(title), _y_axis(frame, y_label), _x_axis_label(x_label)]
    group = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    bar = min(34.0, group * 0.76 / max(len(series), 1))
    for index, name in enumerate(names):
        middle = frame.x(index + 0.5)
        parts.append(_text(middle, HEIGHT - BOTTOM + 15, name, "middle"))
        if notes:
            parts.append(_text(middle, HEIGHT - BOTTOM + 27, notes[index], "middle", "note"))
        for place, one in enumerate(series):
            value = one.y[index]
            if not math.isfinite(value):
                continue
            left = middle + (place - len(series) / 2) * bar
            top = frame.y(value)
            parts.append(
                f'<rect class="bar c{one.colour}" x="{left + 0.5:.1f}" y="{top:.1f}" '
                f'width="{bar - 1:.1f}" height="{max(HEIGHT - BOTTOM - top, 0.5):.1f}">'
                f"<title>{escape(one.label)}, {escape(name)}: {value:.1%}</title></rect>"
            )
    return "".join([*parts, "</svg>"])


def confusion_chart(matrix: Sequence[Sequence[float]], names: Sequence[str], title: str) -> str:
    """Return a row-normalised confusion matrix (rows: true class, columns: predicted) as SVG.

    matrix: counts; a class without a pixel gives an empty row. Cells of 1 % and more show their
    percentage, as long as there is room for it.
    """
    cell = 30 if len(names) <= 20 else 20
    margin = 10 + min(150.0, 6.4 * max((len(name) for name in names), default=1))
    side = margin + cell * len(names) + 6
    parts = [
        f'<svg class="matrix" viewBox="0 0 {side:.0f} {side:.0f}" role="img" '
        f'style="width:{side:.0f}px;max-width:100%"><title>{escape(title)}</title>'
    ]
    for row, (counts, name) in enumerate(zip(matrix, names, strict=True)):
        middle = margin + (row + 0.5) * cell
        parts.append(_text(margin - 7, middle + 4, name, "end"))
        parts.append(
            f'<text transform="translate({middle + 4:.1f} {margin - 7:.1f}) rotate(-90)">'
            f"{escape(name)}</text>"
        )
        total = sum(counts)
        for column, count in enumerate(counts):
            share = count / total if total else 0.0
            parts.append(_cell(margin + column * cell, margin + row * cell, cell, share))
            parts.append(f"<title>{escape(name)} taken for {escape(names[column])}: ")
            parts.append(f"{share:.2%} of {short_number(total)} pixels</title></rect>")
            if share >= 0.01 and cell >= 24:
                inside = "cell strong" if share > 0.55 else "cell"
                text = f"{100 * share:.0f}"
                parts.append(
                    _text(margin + (column + 0.5) * cell, middle + 4, text, "middle", inside)
                )
    return "".join([*parts, "</svg>"])


def legend(labels: Sequence[str]) -> str:
    """Return an HTML line that names the colour of each run."""
    items = "".join(
        f'<span class="key"><i class="swatch c{index}"></i>{escape(label)}</span>'
        for index, label in enumerate(labels)
    )
    return f'<p class="legend">{items}</p>'


def _cell(x: float, y: float, size: float, share: float) -> str:
    # A square root keeps confusions of a few percent visible beside a diagonal near 100 %.
    return (
        f'<rect class="heat" x="{x:.1f}" y="{y:.1f}" width="{size - 1}" height="{size - 1}" '
        f'style="--share:{math.sqrt(share):.3f}">'
    )


def _widened(values: Sequence[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        return low - max(abs(low), 1.0) * 0.5, high + max(abs(high), 1.0) * 0.5
    spread = (high - low) * margin
    # A quantity that is never negative keeps an axis that is never negative.
    return (max(low - spread, 0.0) if low >= 0 else low - spread), high + spread


def _open(title: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>"
    )


def _y_axis(frame: _Frame, label: str) -> str:
    parts = []
    for tick in nice_ticks(*frame.y_range):
        place = frame.y(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" ')
        parts.append(f'y1="{place:.1f}" y2="{place:.1f}"/>')
        parts.append(_text(LEFT - 7, place + 4, short_number(tick), "end"))
    base = HEIGHT - BOTTOM
    parts.append(
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>'
        f'<text class="label" text-anchor="middle" '
        f'transform="translate(11 {(TOP + base) / 2:.0f}) rotate(-90)">{escape(label)}</text>'
    )
    return "".join(parts)


def _x_axis_label(label: str) -> str:
    return _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, label, "middle", "label")


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(one: Series, frame: _Frame) -> str:
    pieces: list[list[str]] = [[]]
    marks = []
    for x, y in zip(one.x, one.y, strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            pieces.append([])
            continue
        place = f"{frame.x(x):.1f},{frame.y(y):.1f}"
        pieces[-1].append(place)
        if one.markers:
            across, down = place.split(",")
            marks.append(
                f'<circle class="mark c{one.colour}" cx="{across}" cy="{down}" r="3.2">'
                f"<title>{escape(one.label)}: {short_number(x)}, {y:.4g}</title></circle>"
            )
    kind = f"line c{one.colour}" + (" faint" if one.faint else "")
    lines = [f'<polyline class="{kind}" points="{" ".join(p)}"/>' for p in pieces if len(p) > 1]
    return "".join(lines + marks)


def _names(series: Sequence[Series], frame: _Frame) -> list[str]:
    """Return the label of each first marker, beside it; one that would cover another is higher."""
    parts: list[str] = []
    written: list[tuple[float, float]] = []
    for one in series:
        if not (len(one.x) and math.isfinite(one.x[0]) and math.isfinite(one.y[0])):
            continue
        x, y = frame.x(one.x[0]), frame.y(one.y[0]) - 5
        while any(abs(x - left) < 150 and abs(y - above) < 13 for left, above in written):
            y -= 13
        written.append((x, y))
        place = (x - 7, "end") if x > (LEFT + WIDTH - RIGHT) / 2 else (x + 7, "start")
        parts.append(_text(place[0], y, one.label, place[1]))
    return parts


def grid_chart(views_yx01: np.ndarray, title: str, aspect: float) -> str:
    """Return the mesh of sampling grids as SVG, each view in a colour of its own.

    views_yx01: (views, h, w, 2), rows then columns, 0..1 of the image. aspect: height / width.
    """
    height = 400 * aspect
    parts = [
        f'<svg class="mesh" viewBox="-2 -2 404 {height + 4:.1f}" role="img">'
        f"<title>{escape(title)}</title>"
        f'<rect class="frame" width="400" height="{height:.1f}"/>'
    ]
    for colour, grid in enumerate(views_yx01):
        for line in [*grid, *grid.swapaxes(0, 1)]:
            places = " ".join(f"{400 * column:.1f},{height * row:.1f}" for row, column in line)
            parts.append(f'<polyline class="line c{colour % 8}" points="{places}"/>')
    return "".join([*parts, "</svg>"])
