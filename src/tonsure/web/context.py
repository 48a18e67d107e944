"""What all routes share, and the way of one photo from a request to its result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request

from ..editor import Editor
from . import form as forms
from .form import Budget, Form
from .guard import Rate
from .jobs import Checkpoint
from .metrics import Metrics
from .options import Options
from .problems import Refused
from .work import Work

T = TypeVar("T")
Act = Callable[[Checkpoint], T]


@dataclass
class Context:
    """`state` is "starting", "ready", or the sentence of what is wrong."""

    options: Options
    editor: Editor
    work: Work
    metrics: Metrics
    budget: Budget
    rate: Rate
    state: str = "starting"

    async def photo(self, request: Request, act_of: Callable[[Form], Act[T]]) -> T:
        """Read the form, queue the act that `act_of` makes of it, wait for what it gives."""
        limits = self.options.limits
        await self._admit(request, limits.file_bytes)
        with self.budget.share() as share:
            try:
                form = await forms.form(
                    request, share, {"image"},
                    file_bytes=limits.file_bytes, seconds=self.options.body_seconds,
                )  # fmt: skip
            except Refused as refused:
                if refused.code != "too_slow":
                    await forms.drain(request, most=4 * limits.file_bytes, seconds=5)
                raise
            return await self.do(request, act_of(form))

    async def json(self, request: Request, act_of: Callable[[object], Act[T]]) -> T:
        """As `photo`, of a body that is JSON."""
        most = self.options.limits.file_bytes * 4 // 3 + 100_000
        await self._admit(request, most)
        with self.budget.share() as share:
            body = await forms.json_body(
                request, share, most=most, seconds=self.options.body_seconds
            )
            return await self.do(request, act_of(body))

    async def do(self, request: Request, act: Act[T]) -> T:
        """Have a worker do it, unless the client leaves before."""
        return await self.work.do(act, lambda: forms.gone(request), time.monotonic())

    async def _admit(self, request: Request, most: int) -> None:
        """Refuse before a byte of the body is kept."""
        try:
            self.rate.check(request.client.host if request.client else "-")
            self.work.check()
        except Refused:
            await forms.drain(request, most=2 * most, seconds=5)
            raise
