"""A browser, for the tests of the page."""

from __future__ import annotations

import base64
import importlib.util
import io
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

_HOW = (
    "there is no Chromium: 'apt-get install chromium' or 'playwright install chromium' brings one, "
    "CHROMIUM names one"
)


def chromium_here() -> str | None:
    """A browser for the tests of the page, or None."""
    named = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    if found := next(filter(None, map(shutil.which, filter(None, named))), None):
        return found
    own = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    return next((str(path) for path in sorted(own.glob("chromium-*/chrome-*/chrome"))), None)


CHROMIUM = chromium_here() if importlib.util.find_spec("playwright") else None
NEEDED = [pytest.mark.skipif(CHROMIUM is None, reason=_HOW), pytest.mark.slow]
"""Marks of every test that uses one."""
READY = "document.querySelectorAll('.people label[data-ready=true]')"
SHOTS = os.environ.get("SCREENSHOTS")  # a folder: leave screenshots there, to be looked at


class Page:
    """One window, with all that it asked for and complained about."""

    def __init__(self, browser: Any, here: Any, path: str = "/", **context: Any) -> None:
        defaults = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}
        self.context = browser.new_context(**(defaults | context))
        self.context.set_default_timeout(120_000)  # patient with a busy machine
        self.view = self.context.new_page()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.view.on("console", self._note)
        self.home = f"http://127.0.0.1:{here.port}"
        self.view.goto(self.home + path)

    def _note(self, message: Any) -> None:
        # playwright's own doings, and answers of 4xx, which the page shows in words
        if message.type == "error" and not message.text.startswith(
            ("This document requires 'Trusted", "Failed to load resource")
        ):
            self.wrong.append(message.text)

    def until(self, what: str, seconds: float = 240) -> None:
        """Wait for an expression, as long as a busy machine needs to find faces and more;
        `wait_for_function` is not allowed by the page's policy."""
        end = time.monotonic() + seconds
        while not self.view.evaluate(what):
            assert time.monotonic() < end, what
            time.sleep(0.03)

    def open(self, path: Path | dict[str, Any]) -> None:
        self.view.set_input_files("#file", path)
        self.until("document.body.dataset.state === 'ready'")
        self.until("document.getElementById('degree').value === '1'")
        self.until("document.body.dataset.playing !== 'true'")

    def degree(self, value: float) -> None:
        self.view.locator("#degree").fill(str(value))

    def pixels(self) -> np.ndarray:
        """What the picture shows, as large as it is (H, W, 3)."""
        data = self.view.evaluate("document.getElementById('picture').toDataURL()")
        with Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))) as im:
            return np.asarray(im.convert("RGB")).astype(int)

    def shot(self, name: str) -> None:
        if SHOTS:
            self.view.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
