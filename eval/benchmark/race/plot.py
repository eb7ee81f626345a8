"""Draws mIoU against milliseconds, as SVG or as a PNG of the same drawing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.report.charts import HEIGHT, WIDTH, Series, line_chart
from roadseg.eval.report.style import CHART_STYLE, LIGHT
from roadseg.files import refuse_unwritable, write_text

if TYPE_CHECKING:
    from PIL import Image

    from roadseg.eval.benchmark.race.race import Result

ENDINGS = (".svg", ".png")
SCALE = 3
"""Pixels of a PNG for each unit of the drawing."""
NAMESPACE = "http://www.w3.org/2000/svg"
OURS, OTHERS = 0, 1
COLOURS = ("#4a6c9b", "#c9562a")


def check_plot(path: Path) -> None:
    """Raise RoadsegError for a file of another ending, or where nothing can be written."""
    if path.suffix.lower() not in ENDINGS:
        raise RoadsegError(f"--plot {path}: no picture that can be drawn; end it in .png or .svg")
    refuse_unwritable(path, "--plot")


def write_plot(path: Path, results: "Sequence[Result]") -> None:
    """Draw the results to `path`, whole or not at all."""
    drawing = chart(results)
    if path.suffix.lower() == ".svg":
        write_text(path, drawing)
        return
    from roadseg.drawing.pictures import write_png

    write_png(path, picture(drawing))


def chart(results: "Sequence[Result]") -> str:
    """Return the results as an SVG file of its own: mIoU in percent against median ms."""
    series = [
        Series(
            "/".join(Path(one.contestant.name).parts[-2:]),
            [one.laps.quartiles()[1]],
            [100 * one.miou if one.miou is not None else float("nan")],
            OURS if one.contestant.ours else OTHERS,
            markers=True,
            named=True,
        )
        for one in results
    ]
    drawn = line_chart(
        series,
        title="mIoU against milliseconds, image to labels",
        x_label="ms, image to labels of every pixel (median)",
        y_label="mIoU (%)",
        x_margin=0.15,
    )
    head = f'<svg xmlns="{NAMESPACE}" width="{WIDTH}" height="{HEIGHT}" class="chart"'
    style = f"<style><![CDATA[ :root {{ {LIGHT} }} {CHART_STYLE} ]]></style>"
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    opened, title, rest = drawn.replace('<svg class="chart"', head, 1).partition("</title>")
    return f"{opened}{title}{style}{paper}{rest}\n"


def picture(drawing: str) -> np.ndarray:
    """Return what `chart` drew as pixels, RGB uint8: lines, circles and texts, no others."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SCALE * WIDTH, SCALE * HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for element in ElementTree.fromstring(drawing):
        kind = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        at = {name: SCALE * float(element.get(name, 0)) for name in ("x1", "y1", "x2", "y2")}
        if kind == "line":
            colour = "#dce1e6" if element.get("class") == "grid" else "#5d6872"
            draw.line([at["x1"], at["y1"], at["x2"], at["y2"]], colour, SCALE)
        elif kind == "circle":
            x, y, radius = (SCALE * float(element.get(name, 0)) for name in ("cx", "cy", "r"))
            colour = COLOURS[int((element.get("class") or "c0")[-1])]
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], colour)
        elif kind == "text":
            _write(image, element)
    return np.asarray(image)


def _write(image: "Image.Image", element: ElementTree.Element) -> None:
    """Write a text of the drawing, turned where it is."""
    from PIL import Image, ImageDraw

    from roadseg.drawing.labels import plain_font

    font, words = plain_font(12 * SCALE), element.text or ""
    anchor = {"middle": "ms", "end": "rs"}.get(element.get("text-anchor", ""), "ls")
    turned = element.get("transform")
    if turned is None:
        x, y = (SCALE * float(element.get(name, 0)) for name in ("x", "y"))
        ImageDraw.Draw(image).text((x, y), words, "#1d2329", font, anchor)
        return
    # translate(X Y) rotate(-90): written flat, turned, and laid with its middle at (X, Y).
    x, y = (SCALE * float(v) for v in turned[turned.index("(") + 1 : turned.index(")")].split())
    width = int(font.getlength(words)) + 2 * SCALE
    strip = Image.new("RGB", (width, 16 * SCALE), "white")
    ImageDraw.Draw(strip).text((width // 2, 12 * SCALE), words, "#1d2329", font, "ms")
    image.paste(strip.rotate(90, expand=True), (int(x - 12 * SCALE), int(y - width / 2)))
