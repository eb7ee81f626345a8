"""The page that `roadseg inspect --to` writes: what a split holds, beside pictures of it."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from roadseg.data_conversion.reading import Reading, total
from roadseg.files import write_text
from roadseg.label_tables import LabelTable

FILE = "inspect.html"
_STYLE = """body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 1640px; padding: 0 1em }
table { border-collapse: collapse } td, th { padding: .15em .8em; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.swatch { display: inline-block; width: 1em; height: 1em; vertical-align: -.15em }
.bar { background: #888; height: .7em; display: inline-block }
figure { margin: 1.5em 0 } img { max-width: 100% }"""


def write_page(
    folder: Path,
    title: str,
    views: Mapping[str, Sequence[Reading]],
    notes: Sequence[str],
    table: LabelTable,
    previews: Sequence[Path],
) -> Path:
    """Write the page into `folder` and return its path.

    views: what was read, by the name of a view ("" where there is one). previews: pictures in
    `folder`. Raises RoadsegError where it cannot be written.
    """
    parts = [f"<h1>{html.escape(title)}</h1>"]
    parts += [f"<p>{html.escape(note)}</p>" for note in notes]
    for name, readings in views.items():
        if name:
            parts.append(f"<h2>{html.escape(name)}</h2>")
        parts.append(_classes(readings, table))
    for path in previews:
        source, caption = quote(path.name), html.escape(path.name)
        parts.append(
            f'<figure><img src="{source}" alt="{caption}"><figcaption>{caption}</figcaption>'
            "</figure>"
        )
    body = "\n".join(parts)
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title><style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )
    write_text(folder / FILE, text)
    return folder / FILE


def _classes(readings: Sequence[Reading], table: LabelTable) -> str:
    """Return a table of the classes: share of all pixels, and images that show them."""
    counts = total(readings)
    pixels = max(sum(counts.values()), 1)
    rows = []
    for label in (*range(table.num_classes), table.ignore):
        ignored = label == table.ignore
        name = "(ignored)" if ignored else table.names[label]
        red, green, blue = (90, 90, 90) if ignored else table.colours[label]
        share = 100 * counts[label] / pixels
        images = sum(label in reading.counts for reading in readings)
        rows.append(
            f'<tr><td class="number">{label}</td><td><span class="swatch" style="background: '
            f'rgb({red},{green},{blue})"></span> {html.escape(name)}</td><td class="number">'
            f'{share:.3f}</td><td class="number">{images:,}</td><td><span class="bar" '
            f'style="width: {4 * share:.1f}px"></span></td></tr>'
        )
    head = (
        '<tr><th class="number">id</th><th>class</th><th class="number">pixels %</th>'
        '<th class="number">images</th><th></th></tr>'
    )
    return f"<table>{head}{''.join(rows)}</table>"
