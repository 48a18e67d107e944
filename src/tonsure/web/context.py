"""What all routes share, and the way of one photo from a request to its result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response

from ..editor import Editor
from . import form as forms
from .form import Budget, Form, Share
from .guard import Rate
from .lines import Lines, Tell
from .memory import Holder, Memory
from .metrics import Metrics
from .options import Options
from .problems import Refused
from .work import Work

T = TypeVar("T")
Act = Callable[[Holder], T]


@dataclass
class Context:
    """`state` is "starting", "ready", or the sentence of what is wrong."""

    options: Options
    editor: Editor
    work: Work
    memory: Memory
    metrics: Metrics
    budget: Budget
    rate: Rate
    state: str = "starting"

    async def photo(
        self, request: Request, act_of: Callable[[Form], Act[T]], *, part: str = "image",
        seconds: float | None = None,
    ) -> T:  # fmt: skip
        """Read the form, queue the act that `act_of` makes of it, wait for what it gives.

        `part` is the form's file; `seconds` the time for it, that of photos by default.
        """
        limits = self.options.limits
        self._admit(request)
        with self.budget.share() as share:
            form = await forms.form(
                request, share, {part},
                file_bytes=limits.file_bytes, seconds=self.options.body_seconds,
            )  # fmt: skip
            return await self.do(request, act_of(form), seconds=seconds)

    async def told(
        self, request: Request, act_of: Callable[[Form], Act[Any]], *, part: str = "image",
        seconds: float | None = None,
    ) -> Response:  # fmt: skip
        """As `photo`, but the answer begins at once and tells how far the work is."""
        limits = self.options.limits
        self._admit(request)
        share = Share(self.budget)
        try:
            form = await forms.form(
                request, share, {part},
                file_bytes=limits.file_bytes, seconds=self.options.body_seconds,
            )  # fmt: skip
            act = act_of(form)
            self.work.check()
        except BaseException:
            share.release()
            raise
        name = request.scope.get("tonsure.id", "-")
        return Lines(lambda tell: self.do(request, act, tell, seconds), share.release, name)

    async def json(self, request: Request, act_of: Callable[[object], Act[T]]) -> T:
        """As `photo`, of a body that is JSON; `act_of` may take its time."""
        most = self.options.limits.file_bytes * 4 // 3 + 100_000
        self._admit(request)
        with self.budget.share() as share:
            body = await forms.json_body(
                request, share, most=most, seconds=self.options.body_seconds
            )
            return await self.do(request, await asyncio.to_thread(act_of, body))

    async def do(
        self, request: Request, act: Act[T], tell: Tell = lambda step: None,
        seconds: float | None = None,
    ) -> T:  # fmt: skip
        """Have a worker do it, unless the client leaves before."""
        holder = Holder(self.memory)
        holder.tell = tell

        def run(checkpoint: Callable[[], None]) -> T:
            holder.begin(checkpoint)
            return act(holder)

        return await self.work.do(
            run, lambda: forms.gone(request), time.monotonic(), holder.release, seconds
        )

    @property
    def readiness(self) -> str:
        """ "ready", or what is against it."""
        if self.work.draining:
            return "draining"
        if self.state == "ready" and self.work.stuck:
            return f"no photo was done for more than {self.options.work_seconds:g} s"
        return self.state

    def _admit(self, request: Request) -> None:
        """Refuse before a byte of the body is read."""
        if request.scope["query_string"]:
            raise Refused(
                "bad_request",
                "Options go into the form, not into the address: curl -F style=thin, for example.",
            )
        self.rate.check(request.client.host if request.client else "-")
        self.work.check()
