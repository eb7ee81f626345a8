"""The page's server: what it answers to, one picture at a time, and nothing kept.

Uploads are bodies of POST, not forms: a page of another site cannot send them without asking.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from roadseg.errors import RoadsegError
from roadseg.eval.page import answers
from roadseg.eval.page.examples import SEEDS, example
from roadseg.eval.page.limits import Limits
from roadseg.eval.page.uploads import Frame, frames, plain_name

if TYPE_CHECKING:
    from roadseg.eval.page.panels import Panel

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STATIC = Path(__file__).with_name("static")
UPLOAD = "application/octet-stream"
_PATIENCE_S = 60  # for an upload to come in, and for each line to be taken
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; "
    b"img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-cache",
}


class _Refused(Exception):
    """A request that gets no labels; what it is told, and by which status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def application(panels: Sequence["Panel"], limits: Limits, *, only_local: bool) -> Any:
    """Return the page as an ASGI application.

    only_local: answer to the names of this machine alone, so that no page of another site can
    reach it under a name of its own.
    """

    async def about(_: Request) -> Response:
        return JSONResponse(answers.about(panels, limits, len(SEEDS)))

    async def drawn(request: Request) -> Response:
        number = request.path_params["number"]
        if number >= len(SEEDS):
            return JSONResponse({"error": f"no example {number}"}, 404)
        return Response(await run_in_threadpool(example, number), media_type="image/jpeg")

    routes = [
        Route("/about", about),
        Route("/examples/{number:int}", drawn),
        Route("/label", Labelling(panels, limits), methods=["POST"]),
        # An editable install is a tree of links.
        Mount("/", StaticFiles(directory=STATIC, html=True, follow_symlink=True)),
    ]
    return Guard(Starlette(routes=routes), only_local)


class Guard:
    """Refuses foreign names of this machine, and adds headers to every answer."""

    def __init__(self, app: Any, only_local: bool) -> None:
        """Stand before `app`."""
        self._app, self._only_local = app, only_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS.items()]
            await send(message)

        host = dict(scope.get("headers", [])).get(b"host", b"").decode("latin-1")
        # The port comes off; colons within brackets are those of an IPv6 address.
        name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
        if self._only_local and name not in ("localhost", "127.0.0.1", "[::1]"):
            refusal = JSONResponse({"error": f"{name[:80]}: not a name of this page"}, 403)
            return await refusal(scope, receive, guarded)
        await self._app(scope, receive, guarded)


class Labelling:
    """Takes an upload and answers with a line for each picture in it, as soon as it is labelled.

    Networks work for one visitor at a time, and for several in turn, picture by picture.
    """

    def __init__(self, panels: Sequence["Panel"], limits: Limits) -> None:
        """Label by `panels`, within `limits`."""
        self._panels, self._limits = panels, limits
        self._busy = asyncio.Lock()
        self._visitors = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one upload."""
        request = Request(scope, receive)
        if self._visitors >= self._limits.max_waiting:
            refusal = JSONResponse({"error": "too many visitors wait; try again in a moment"}, 503)
            return await refusal(scope, receive, send)
        self._visitors += 1
        try:
            with tempfile.TemporaryDirectory(prefix="roadseg-") as folder:
                await self._answer(request, Path(folder) / "upload", send)
        except _Refused as refused:
            await JSONResponse({"error": str(refused)}, refused.status)(scope, receive, send)
        except (ClientDisconnect, TimeoutError):
            pass  # nobody is there to be told
        finally:
            self._visitors -= 1

    async def _answer(self, request: Request, path: Path, send: Send) -> None:
        name = plain_name(unquote(request.headers.get("x-name", "")))
        await self._receive(request, path)
        try:
            made, most = await self._in_turn(frames, path, name, self._limits)
            first = await self._in_turn(self._next, made)
        except RoadsegError as error:
            raise _Refused(400, str(error)) from None
        head = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await _send_line(send, {"name": name, "frames": most})
        labelled: bytes | None = first
        try:
            while labelled is not None and not await request.is_disconnected():
                await _send(send, labelled)
                labelled = await self._in_turn(self._next, made)
            await _send_line(send, {"done": True})
        except RoadsegError as error:  # in the middle of a video
            await _send_line(send, {"error": str(error)})
        finally:
            # Videos hold a file open until they are closed; a single picture has nothing to close.
            close = getattr(made, "close", None)
            if close is not None:
                await run_in_threadpool(close)
        await send({"type": "http.response.body", "body": b""})

    async def _receive(self, request: Request, path: Path) -> None:
        """Write the body of a request to `path`, or raise _Refused."""
        most = self._limits.max_bytes
        if request.headers.get("content-type") != UPLOAD:
            raise _Refused(415, f"an upload is wanted as {UPLOAD}")
        too_large = f"larger than {self._limits.max_megabytes:g} MB; choose a smaller file"
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            raise _Refused(413, too_large)
        size = 0
        try:
            async with asyncio.timeout(_PATIENCE_S):
                with path.open("wb") as file:
                    async for part in request.stream():
                        size += len(part)
                        # Counted as well: the header may claim any length, or none.
                        if size > most:
                            raise _Refused(413, too_large)
                        file.write(part)
        except TimeoutError:
            raise _Refused(408, f"the upload took more than {_PATIENCE_S} s") from None
        except OSError as error:
            raise _Refused(507, f"no room for the upload ({error.strerror})") from None

    async def _in_turn(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what `function` gives, in a thread, while no other runs."""
        async with self._busy:
            return await run_in_threadpool(function, *arguments)

    def _next(self, made: Iterator[Frame]) -> bytes | None:
        """Return the line of the next picture, or None after the last."""
        shown = next(made, None)
        if shown is None:
            return None
        return answers.line(
            answers.frame(shown, [panel.find(shown.image) for panel in self._panels])
        )


async def _send_line(send: Send, values: Any) -> None:
    await _send(send, answers.line(values))


async def _send(send: Send, body: bytes) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        await send({"type": "http.response.body", "body": body, "more_body": True})
