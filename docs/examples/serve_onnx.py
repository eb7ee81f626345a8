"""Serves a network that `roadseg export --format onnx` wrote: a picture in, its labels out.

    pip install fastapi uvicorn onnxruntime pillow
    MODEL=runs/street/export/onnx uvicorn serve_onnx:app --port 8000
    curl --data-binary @street.jpg 'http://127.0.0.1:8000/labels' --output labels.png
    curl --data-binary @street.jpg 'http://127.0.0.1:8000/labels?form=json'

Neither TensorFlow nor roadseg is needed. MAX_MEGABYTES, MAX_MEGAPIXELS and MAX_WAITING are limits.
"""

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from PIL import Image, ImageOps

MODEL = Path(os.environ["MODEL"])
MAX_BYTES = int(float(os.environ.get("MAX_MEGABYTES", "16")) * 1e6)
MAX_PIXELS = int(float(os.environ.get("MAX_MEGAPIXELS", "16")) * 1e6)
MAX_WAITING = int(os.environ.get("MAX_WAITING", "64"))
PATIENCE_S = 30  # for an upload to come in
FORMATS = ("JPEG", "PNG", "WEBP")

CARD = json.loads((MODEL / "model_card.json").read_text(encoding="utf-8"))
NAMES = CARD["label_table"]["names"]
session = onnxruntime.InferenceSession(str(MODEL / "model.onnx"))
app = FastAPI(title=CARD["name"], docs_url=None, redoc_url=None)  # those ask other hosts
busy = asyncio.Lock()  # one picture uses all cores
waiting = 0


@app.get("/health")
def health() -> dict[str, Any]:
    """Return what is served, and the names of the classes by their train ids."""
    return {"model": CARD["name"], "step": CARD["step"], "classes": NAMES}


@app.post("/labels")
async def labels(request: Request, form: Literal["png", "json"] = "png") -> Response:
    """Label the picture that is the request's body.

    png: its label map, train ids as grey levels. json: its size, the share of each class that is in
    it, and the label map as runs, [train id, length], row after row.
    """
    global waiting
    if waiting >= MAX_WAITING:
        raise HTTPException(503, "too many pictures wait; try again", {"retry-after": "1"})
    waiting += 1
    try:
        encoded = await body(request)
        async with busy:
            return await run_in_threadpool(answer, encoded, form)
    finally:
        waiting -= 1


async def body(request: Request) -> bytes:
    """Return the body of a request, or refuse it as soon as it is too large or too slow."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for part in request.stream():
                size += len(part)
                if size > MAX_BYTES:
                    raise HTTPException(413, f"larger than {MAX_BYTES / 1e6:g} MB")
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408, f"the upload took more than {PATIENCE_S} s") from None
    return b"".join(parts)


def answer(encoded: bytes, form: str) -> Response:
    """Return the labels of a picture in the form that was asked for."""
    (found,) = session.run(["labels"], {"image": pixels(encoded)[None]})
    return as_png(found[0]) if form == "png" else as_json(found[0])


def pixels(encoded: bytes) -> np.ndarray:
    """Return a picture as RGB uint8 (height, width, 3), upright; the size is checked first."""
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise HTTPException(413, f"more than {MAX_PIXELS / 1e6:g} megapixels")
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise HTTPException(400, f"no whole picture; send {', '.join(FORMATS)}") from None


def as_png(found: np.ndarray) -> Response:
    """Return train ids (height, width) as an 8-bit grey PNG."""
    file = io.BytesIO()
    Image.fromarray(found.astype(np.uint8)).save(file, "PNG", compress_level=1)
    return Response(file.getvalue(), media_type="image/png")


def as_json(found: np.ndarray) -> Response:
    """Return size, shares of the classes, and runs of train ids (height, width)."""
    flat = found.reshape(-1)
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    lengths = np.diff(starts, append=flat.size)
    counts = np.bincount(flat, minlength=len(NAMES))
    values = {
        "height": found.shape[0],
        "width": found.shape[1],
        "classes": {
            name: round(int(count) / flat.size, 6)
            for name, count in zip(NAMES, counts, strict=False)
            if count
        },
        "runs": np.stack([flat[starts], lengths], axis=1).tolist(),
    }
    return Response(json.dumps(values), media_type="application/json")
