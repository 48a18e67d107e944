"""An answer in lines of JSON, written while the work goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from . import problems
from .work import Stopped

MEDIA_TYPE = "application/x-ndjson"
_ALIVE = 0.5  # seconds between two signs of life: they show proxies that it goes on, and whether
# the client is still there
Tell = Callable[[dict[str, Any]], None]


class Lines(Response):
    """`work(tell)` does the work; what it tells becomes a line each, what it gives the last.

    The answer has begun before the work has ended, so that a problem comes as a line too. `after`
    is called in the end, however it ends.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self, work: Callable[[Tell], Awaitable[Any]], after: Callable[[], None], request_id: str
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._work, self._after, self._id = work, after, request_id

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(step: dict[str, Any]) -> None:  # by a worker
            loop.call_soon_threadsafe(lines.put_nowait, step)

        async def line(text: str, more: bool = True) -> None:
            data = text.encode() + b"\n"
            await send({"type": "http.response.body", "body": data, "more_body": more})

        task = asyncio.ensure_future(self._work(tell))
        task.add_done_callback(lambda _: lines.put_nowait({}))
        try:
            head = {"status": 200, "headers": self.raw_headers}
            await send({"type": "http.response.start"} | head)
            await line(json.dumps({"step": "waiting"}))
            while True:
                try:
                    step = await asyncio.wait_for(lines.get(), _ALIVE)
                except TimeoutError:
                    await line("")
                    continue
                if not step:
                    break
                await line(json.dumps(step))
            try:
                last = {"done": task.result()}
            except Stopped:
                last = {}
            except Exception as error:
                answer = problems.from_error(error, self._id)
                last = {"problem": json.loads(bytes(answer.body))}
                if "retry-after" in answer.headers:
                    last["problem"]["retry_after"] = int(answer.headers["retry-after"])
            await line(json.dumps(last), more=False)
        finally:
            task.cancel()
            self._after()
