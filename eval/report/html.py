"""HTML that escapes by construction: whatever is not `Html` already is text, and is escaped."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

_VOID = frozenset({"img", "meta", "br"})


class Html(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


Child = str | Html | Iterable["Child"] | None


def h(name: str, /, *children: Child, **attributes: str | None) -> Html:
    """Return the element `name`. Strings in `children` are escaped, None is left out.

    attributes: `class_` stands for class, `_` in other names for '-'; a value None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value, quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Child) -> Html:
    """Return `children`, nested as they may be, as one piece of markup."""
    if children is None:
        return Html("")
    if isinstance(children, Html):
        return children
    if isinstance(children, str):
        return Html(escape(children, quote=True))
    return Html("".join(join(child) for child in children))


def table(
    head: Sequence[Child], rows: Iterable[Sequence[Child]], class_: str | None = None
) -> Html:
    """Return a table in a frame that scrolls sideways on narrow screens.

    Cells are text; a cell that is a `td` or `th` element already is taken as it is. The heading of
    a column stands left where the cells of its first row do.
    """
    cells = [[_cell(cell, place) for place, cell in enumerate(row)] for row in rows]
    left = [cells and 'class="left' in cells[0][place][:20] for place in range(len(head))]
    names = zip(head, left, strict=True)
    heading = [h("th", cell, scope="col", class_="left" if at else None) for cell, at in names]
    body = [h("tr", row) for row in cells]
    inner = h("table", h("thead", h("tr", heading)), h("tbody", body), class_=class_)
    return h("div", inner, class_="scroll")


def _cell(cell: Child, place: int) -> Html:
    if isinstance(cell, Html) and cell.startswith(("<td", "<th")):
        return cell
    return h("td", cell) if place else h("th", cell, scope="row")


def section(title: str, *children: Child, note: str | None = None) -> Html:
    """Return a section with a heading, an explanation in small type, and an anchor."""
    explained = h("p", note, class_="note") if note else None
    return h("section", h("h2", title), explained, *children, id=anchor(title))


def anchor(title: str) -> str:
    """Return the anchor of a section."""
    return "".join(letter if letter.isalnum() else "-" for letter in title.lower())


def figure(content: Child, caption: Child, class_: str | None = None) -> Html:
    """Return a figure with its caption below."""
    return h("figure", content, h("figcaption", caption), class_=class_)


def picture(pixels: np.ndarray, description: str, lossless: bool = False) -> Html:
    """Return RGB uint8 (height, width, 3) as an image inside the page: PNG if `lossless`, or JPEG.

    description: what it shows, for those who do not see it.
    """
    from PIL import Image

    stream = io.BytesIO()
    if lossless:
        # Pictures of errors have a few colours, which a palette holds exactly.
        Image.fromarray(pixels).quantize(32).save(stream, "PNG", optimize=True)
    else:
        # Thin coloured lines would fade where colours have half the resolution.
        Image.fromarray(pixels).save(stream, "JPEG", quality=86, optimize=True, subsampling=0)
    kind = "png" if lossless else "jpeg"
    content = base64.b64encode(stream.getvalue()).decode()
    height, width = (str(side) for side in pixels.shape[:2])
    source = f"data:image/{kind};base64,{content}"
    return h("img", src=source, alt=description, width=width, height=height)


def percent(value: float, digits: int = 1) -> str:
    """Return 0..1 in percent, or a dash for NaN."""
    # Only NaN differs from itself.
    return "–" if value != value else f"{100 * value:.{digits}f}"


def points(value: float, digits: int = 1) -> str:
    """Return a difference of two shares in percentage points, with its sign."""
    return "–" if value != value else f"{100 * value:+.{digits}f}".replace("-", "−")
