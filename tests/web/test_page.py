"""The page, as people use it: in a real browser, see `serving.chromium_here`."""

from __future__ import annotations

import base64
import importlib.util
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serving import NO_CHROMIUM, chromium_here
from tonsure.editor import Editor

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = chromium_here()
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
    pytest.mark.slow,
]
READY = "document.querySelectorAll('.people label[data-ready=true]')"
SHOTS = os.environ.get("SCREENSHOTS")  # a folder: leave screenshots there, to be looked at


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


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

    def until(self, what: str, seconds: float = 60) -> None:
        """Wait for an expression; `wait_for_function` is not allowed by the page's policy."""
        end = time.monotonic() + seconds
        while not self.view.evaluate(what):
            assert time.monotonic() < end, what
            time.sleep(0.03)

    def open(self, path: Path | dict[str, Any]) -> None:
        self.view.set_input_files("#file", path)
        self.until("document.body.dataset.state === 'ready'")
        self.until(
            "document.getElementById('degree').value === '1' && document.body.dataset.playing !== 'true'"
        )

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


@pytest.fixture
def browse(chromium, serve) -> Iterator[Any]:
    opened: list[Page] = []

    def start(path: str = "/", here: Any = None, **context: Any) -> Page:
        opened.append(Page(chromium, here or serve(), path, **context))
        return opened[-1]

    yield start
    for page in opened:
        page.context.close()
        assert page.wrong == []
        for address in page.asked:
            assert address.startswith((page.home, "blob:", "data:")), address


def test_a_photo_from_first_to_last(browse, data, astronaut, tmp_path):
    page = browse()
    page.shot("start-light")
    page.open(data / "astronaut.jpg")
    with Editor().open(astronaut) as shot:
        for degree in (1, 0.6, 0.3):
            page.degree(degree)
            wanted = shot.bald(degree).image
            # both come as JPEG, so that they are near and not equal
            assert np.abs(page.pixels() - wanted).mean() < 2.5, degree
        page.view.check("input[value=thin]", force=True)
        assert np.abs(page.pixels() - shot.bald(0.3, "thin").image).mean() < 2.5
        page.degree(0)
        assert np.abs(page.pixels() - astronaut).mean() < 2.5
    page.degree(0.5)
    with page.view.expect_download() as waiting:
        page.view.click("#download")
    waiting.value.save_as(tmp_path / "got.jpg")
    assert waiting.value.suggested_filename == "astronaut.bald.jpg"
    with Image.open(tmp_path / "got.jpg") as im:
        assert im.format == "JPEG"
        assert im.size == (512, 512)
    for kind in ("gif", "webp"):
        with page.view.expect_download() as waiting:
            page.view.click(f"#{kind}")
        waiting.value.save_as(tmp_path / f"got.{kind}")
        with Image.open(tmp_path / f"got.{kind}") as im:
            assert im.is_animated
    uploads = [address for address in page.asked if "/v1/layers" in address]
    assert len(uploads) == 1  # whatever the slider does


def test_the_slider_answers_at_once(browse, data):
    page = browse()
    page.open(data / "astronaut.jpg")
    seconds = page.view.evaluate("""() => {
        const slider = document.getElementById("degree");
        const began = performance.now();
        for (let k = 0; k < 50; k += 1) {
            slider.value = String(k / 50);
            slider.dispatchEvent(new Event("input"));
        }
        return (performance.now() - began) / 50 / 1000;
    }""")
    assert seconds < 0.15


def test_the_second_of_several_faces(browse, crowd, group):
    page = browse(color_scheme="dark")
    page.open({"name": "group.png", "mimeType": "image/png", "buffer": crowd})
    page.shot("group-dark")
    assert page.view.locator("#boxes button").count() == 3
    page.view.locator("#boxes button[data-face='2']").click()
    with Editor().open(group) as shot:
        page.until(f"{READY}.length === 2 && document.getElementById('working').hidden")
        both = shot.bald(0, face="all", each={1: 1, 2: 1}).image
        assert np.abs(page.pixels() - both).mean() < 2.5
        page.view.check("input[name=face][value=all]", force=True)
        page.until(f"{READY}.length === 3 && document.getElementById('working').hidden")
        assert np.abs(page.pixels() - shot.bald(1, face="all").image).mean() < 2.5
    assert page.view.locator("#notes li").count() >= 2


def halves(page, bald, astronaut, at):
    """Whether the picture is the photo left of `at` (0..1), and bald right of it."""
    shown, x = page.pixels(), round(at * bald.shape[1])
    left = np.abs(shown[:, : x - 8] - astronaut[:, : x - 8]).mean() < 2.5
    return left and np.abs(shown[:, x + 8 :] - bald[:, x + 8 :]).max() == 0


def test_the_divider_by_mouse(browse, data, astronaut):
    page = browse()
    page.open(data / "astronaut.jpg")
    bald, mouse = page.pixels(), page.view.mouse
    page.view.click("#comparing")
    frame = page.view.locator("#picture").bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 3  # over the face
    mouse.move(x, y)
    mouse.down()
    for share in (0.4, 0.3, 0.25):
        mouse.move(frame["x"] + share * frame["width"], y)
        assert halves(page, bald, astronaut, share)
    mouse.move(frame["x"] - 500, y)  # beyond the border
    assert np.abs(page.pixels() - bald).max() == 0
    mouse.move(frame["x"] + 0.75 * frame["width"], y)
    mouse.up()
    mouse.move(x, y)
    assert halves(page, bald, astronaut, 0.75)  # let go is let go
    page.shot("compare-light")
    page.view.click("#comparing")
    assert np.abs(page.pixels() - bald).max() == 0


def test_the_divider_by_touch(browse, data, astronaut):
    page = browse(viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True)
    page.open(data / "astronaut.jpg")
    bald = page.pixels()
    page.view.click("#comparing")
    page.view.evaluate("scrollTo(0, 0)")
    frame = page.view.locator("#picture").bounding_box()
    wire = page.context.new_cdp_session(page.view)

    def touch(kind: str, share: float = 0) -> None:
        point = {"x": frame["x"] + share * frame["width"], "y": frame["y"] + frame["height"] / 3}
        points = [] if kind == "touchEnd" else [point]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.5)
    for share in (0.45, 0.35, 0.3):
        touch("touchMove", share)
    page.until("document.getElementById('divider').value < 31")
    touch("touchEnd")
    assert halves(page, bald, astronaut, 0.3)


def test_the_divider_by_keys(browse, data, astronaut):
    page = browse()
    page.open(data / "astronaut.jpg")
    bald = page.pixels()
    page.view.focus("#comparing")
    page.view.keyboard.press("Enter")
    assert page.view.get_attribute("#comparing", "aria-pressed") == "true"
    page.view.focus("#divider")
    for _ in range(10):
        page.view.keyboard.press("ArrowLeft")
    assert page.view.input_value("#divider") == "40"
    assert halves(page, bald, astronaut, 0.4)
    page.view.keyboard.press("Home")
    assert np.abs(page.pixels() - bald).max() == 0


def test_boxes_vanish_over_the_result(browse, crowd):
    page = browse()
    page.open({"name": "group.png", "mimeType": "image/png", "buffer": crowd})
    seen = "Math.max(...[...document.querySelectorAll('#boxes button')]"
    seen += ".map((e) => Number(getComputedStyle(e).opacity)))"
    page.view.mouse.move(2, 2)
    page.until(f"{seen} === 0")
    page.view.hover("#faces legend")
    page.until(f"{seen} === 1")
    page.view.mouse.move(2, 2)
    page.until(f"{seen} === 0")


def test_faces_from_left_to_right_each_its_own_degree(browse, crowd, group, tmp_path):
    page = browse()
    page.open({"name": "group.png", "mimeType": "image/png", "buffer": crowd})
    labels = page.view.locator(".people label[data-face]")
    with Editor().open(group) as shot:
        order = sorted(range(1, 4), key=lambda n: shot.faces[n - 1].centre[0])
        assert [labels.nth(k).get_attribute("data-face") for k in range(3)] == list(map(str, order))
        assert [labels.nth(k).locator("b").inner_text() for k in range(3)] == ["1", "2", "3"]
        assert order[1] == 1  # the largest is the middle one, and chosen
        page.degree(0.3)
        page.view.locator("input[name=face]").nth(0).check(force=True)
        page.until(f"{READY}.length === 2 && document.getElementById('working').hidden")
        page.degree(0.8)
        assert [labels.nth(k).locator("small").inner_text() for k in range(3)] == [
            "80%",
            "30%",
            "0%",
        ]
        each = {order[0]: 0.8, order[1]: 0.3}
        made = shot.bald(0, face="all", each=each).image
        assert np.abs(page.pixels() - made).mean() < 2.5
    assert page.view.get_attribute("#picture", "aria-label") == "Face 2, 30% bald, Face 1, 80% bald"
    page.shot("each-its-own")
    with page.view.expect_download() as waiting:
        page.view.click("#download")
    waiting.value.save_as(tmp_path / "got.png")
    with Image.open(tmp_path / "got.png") as im:
        assert np.array_equal(np.asarray(im.convert("RGB")), made)


def test_formats_and_before_and_after(browse, data, tmp_path):
    page = browse()
    page.open(data / "astronaut.jpg")
    assert "JPEG" in page.view.inner_text("#kind")
    page.view.select_option("#format", "webp")
    assert "WEBP" in page.view.inner_text("#kind")
    for button, size in (("#download", (512, 512)), ("#pair", (1028, 512))):
        with page.view.expect_download() as waiting:
            page.view.click(button)
        assert waiting.value.suggested_filename == "astronaut.bald.webp"
        waiting.value.save_as(tmp_path / "got.webp")
        with Image.open(tmp_path / "got.webp") as im:
            assert (im.format, im.size) == ("WEBP", size)


def test_share_and_copy(browse, data):
    page = browse(permissions=["clipboard-read", "clipboard-write"])
    page.view.evaluate("""() => {
        window.shared = [];
        navigator.canShare = () => true;
        navigator.share = async ({ files }) => { window.shared.push(files[0].name, files[0].type); };
    }""")
    page.open(data / "astronaut.jpg")
    page.view.click("#share")
    page.until("window.shared.length === 2")
    assert page.view.evaluate("window.shared") == ["astronaut.bald.jpg", "image/jpeg"]
    page.view.evaluate("""() => {
        navigator.clipboard.write = async ([item]) => {
            window.copied = (await item.getType("image/png")).size;
        };
    }""")
    page.view.click("#copy")
    page.until("window.copied > 1000")
    page.until("document.getElementById('copied').textContent.startsWith('Copied')")


def test_what_a_browser_cannot_is_not_offered(browse, data):
    page = browse()
    page.view.evaluate("() => { navigator.canShare = () => false; delete window.ClipboardItem; }")
    page.open(data / "astronaut.jpg")
    assert page.view.is_hidden("#share")
    assert page.view.is_hidden("#copy")


def test_pixel_by_pixel(browse, astronaut):
    large = io.BytesIO()
    Image.fromarray(astronaut).resize((2000, 2000)).save(large, "JPEG")
    page = browse()
    page.open({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": large.getvalue()})
    page.view.click("#zoom")
    page.until("!document.getElementById('actual').hidden")
    width = "document.querySelector('#actual img').getBoundingClientRect().width * devicePixelRatio"
    assert page.view.evaluate(width) == 2000
    place = "document.getElementById('actual').scrollLeft"
    before = page.view.evaluate(place)
    box = page.view.locator("#actual").bounding_box()
    page.view.mouse.move(box["x"] + 200, box["y"] + 200)
    page.view.mouse.down()
    page.view.mouse.move(box["x"] + 120, box["y"] + 200)
    page.view.mouse.up()
    assert page.view.evaluate(place) == before + 80
    seen = "getComputedStyle(document.querySelector('#actual .was')).visibility"
    assert page.view.evaluate(seen) == "hidden"
    page.view.click("#whole")
    assert page.view.evaluate(seen) == "visible"
    page.shot("pixel-by-pixel")
    page.view.keyboard.press("Escape")
    assert page.view.is_hidden("#actual")


def test_it_can_be_stopped(browse, serve, data, drawn, monkeypatch):
    from tonsure import head

    made, slow = head.make, [False]

    def make(*args: Any, **more: Any) -> Any:
        while slow[0]:
            time.sleep(0.02)
        return made(*args, **more)

    monkeypatch.setattr(head, "make", make)
    here = serve(workers=1, work_seconds=600)
    page = browse(here=here)
    slow[0] = True
    page.view.set_input_files("#file", data / "astronaut.jpg")
    page.until("document.getElementById('step').textContent.startsWith('Taking the hair off')")
    page.shot("working")
    page.view.click("#halt")
    page.until("document.body.dataset.state === 'start'")
    assert page.view.is_hidden("#trouble")
    end = time.monotonic() + 60
    while not here.work.idle:  # nor does the server go on
        assert time.monotonic() < end
        time.sleep(0.02)
    slow[0] = False
    page.open(data / "astronaut.jpg")
    before = page.pixels()
    slow[0] = True
    page.view.click("#download")
    page.until("!document.getElementById('working').hidden")
    page.view.keyboard.press("Escape")
    page.until("document.getElementById('working').hidden")
    assert np.array_equal(page.pixels(), before)
    slow[0] = False


def test_it_tells_how_far_it_is(browse, crowd):
    page = browse()
    page.view.evaluate("""() => {
        window.steps = [];
        new MutationObserver((changes) => {
            for (const { addedNodes } of changes) window.steps.push(addedNodes[0].data);
        }).observe(document.getElementById("step"), { childList: true });
    }""")
    page.open({"name": "group.png", "mimeType": "image/png", "buffer": crowd})
    told = page.view.evaluate("window.steps")
    wanted = ["Sending", "Waiting", "Reading", "Looking", "Taking"]
    begins = list(dict.fromkeys(line.split()[0] for line in told))
    assert begins == wanted
    page.view.check("input[name=face][value=all]", force=True)
    page.until(f"{READY}.length === 3")
    assert "Taking the hair off, head 2 of 3…" in page.view.evaluate("window.steps")


def test_it_plays(browse, data):
    page = browse()
    page.open(data / "astronaut.jpg")
    page.view.click("#play")
    assert page.view.get_attribute("#play", "aria-pressed") == "true"
    page.until("Number(document.getElementById('degree').value) < 0.8")
    page.until("Number(document.getElementById('degree').value) > 0.95")
    page.view.click("#play")
    stood = page.view.evaluate("document.getElementById('degree').value")
    time.sleep(0.2)
    assert page.view.evaluate("document.getElementById('degree').value") == stood


def test_a_cup(browse, data):
    page = browse()
    page.view.set_input_files("#file", data / "cup.jpg")
    page.until("!document.getElementById('trouble').hidden")
    said = page.view.inner_text("#trouble p")
    assert "no face" in said
    assert page.view.get_attribute("#trouble", "role") == "alert"
    page.view.set_input_files(
        "#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"}
    )
    page.until("document.getElementById('trouble').dataset.code === 'wrong_type'")
    page.view.click("#trouble button")
    assert page.view.is_hidden("#trouble")
    page.open(data / "astronaut.jpg")
    before = page.pixels()
    page.view.set_input_files("#file", data / "cup.jpg")
    page.until("!document.getElementById('trouble').hidden")
    assert np.array_equal(page.pixels(), before)  # the photo that was open still is


def test_chinese(browse, data, drawn):
    drawn["warnings"] = ("long_hair",)
    page = browse(locale="zh-CN")
    assert page.view.inner_text("h1") == "你光头是什么样？"
    assert page.view.get_attribute("html", "lang") == "zh-Hans"
    page.shot("start-chinese")
    page.open(data / "astronaut.jpg")
    assert "长发" in page.view.inner_text("#notes")
    page.shot("photo-chinese")
    page.view.click("#language")
    assert "Long hair" in page.view.inner_text("#notes")
    page.view.reload()
    assert page.view.inner_text("h1") == "How would you look bald?"


def test_phone_width(browse, data):
    page = browse(viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True)
    page.shot("start-phone")
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert page.view.evaluate(wide)
    page.open(data / "astronaut.jpg")
    page.view.click("#comparing")
    assert page.view.evaluate(wide)
    page.shot("photo-phone")
    small = page.view.evaluate(
        "[...document.querySelectorAll('#panel button, #panel input[type=range]')]"
        ".filter((e) => e.offsetParent && e.getBoundingClientRect().height < 40).length"
    )
    assert small == 0


def test_keys_alone(browse, data):
    page = browse()
    keyboard = page.view.keyboard
    choosers: list[Any] = []
    page.view.on("filechooser", lambda chooser: choosers.append(chooser))
    for _ in range(4):
        keyboard.press("Tab")
    assert page.view.evaluate("document.activeElement.id") == "choose"
    keyboard.press("Enter")
    end = time.monotonic() + 60
    while not choosers:
        assert time.monotonic() < end
        page.view.wait_for_timeout(50)
    choosers[0].set_files(data / "astronaut.jpg")
    page.until("document.body.dataset.state === 'ready'")
    page.until("document.body.dataset.playing === 'false'")
    assert page.view.evaluate("document.activeElement.id") == "degree"
    keyboard.press("Home")
    assert page.view.inner_text("#shown") == "0%"
    before = page.pixels()
    for _ in range(3):
        keyboard.press("PageUp")
    keyboard.press("ArrowRight")
    assert page.view.get_attribute("#degree", "aria-valuetext") not in ("0%", "100%")
    assert np.abs(page.pixels() - before).max() > 20
    seen = []
    for _ in range(12):
        keyboard.press("Tab")
        seen.append(page.view.evaluate("document.activeElement.id || document.activeElement.name"))
    assert seen[:4] == ["style", "play", "comparing", "zoom"]
    assert {"download", "format", "pair", "gif", "webp", "another"} <= set(seen)


def test_pasted_and_dropped(browse, portrait):
    page = browse()
    send = """(kind) => {
        const bytes = Uint8Array.from(atob(kind.data), (c) => c.charCodeAt(0));
        const moved = new DataTransfer();
        for (let k = 0; k < (kind.count || 1); k += 1) {
            moved.items.add(new File([bytes], "moved.jpg", { type: "image/jpeg" }));
        }
        if (kind.how === "paste") {
            dispatchEvent(new ClipboardEvent("paste", { clipboardData: moved }));
        } else {
            dispatchEvent(new DragEvent("dragenter", { dataTransfer: moved }));
            dispatchEvent(new DragEvent("drop", { dataTransfer: moved, cancelable: true }));
        }
    }"""
    data = base64.b64encode(portrait).decode()
    for how in ("paste", "drop"):
        page.view.evaluate(send, {"how": how, "data": data})
        page.until("document.body.dataset.state === 'ready'")
        page.view.click("#another")
    page.view.click("#example")
    page.until("document.body.dataset.state === 'ready'")
    title = "document.getElementById('replacing').open"
    shown = "document.querySelectorAll('#boxes button').length"
    page.view.evaluate(send, {"how": "drop", "data": data})
    page.until(title)
    page.shot("question")
    page.view.click("#replacing button[value='']")  # keep it
    page.until(f"!{title}")
    assert page.view.evaluate("document.body.dataset.state") == "ready"
    uploads = len([one for one in page.asked if "/v1/layers" in one])
    page.view.evaluate(send, {"how": "drop", "data": data, "count": 2})
    page.until(title)
    page.view.click("#replacing button[value=yes]")
    page.until(f"document.body.dataset.state === 'ready' && {shown} === 1")
    assert len([one for one in page.asked if "/v1/layers" in one]) == uploads + 1
    assert "first of 2" in page.view.inner_text("#trouble p")


def test_the_camera(browse, chromium, serve):
    here = serve()
    browser = chromium.browser_type.launch(
        executable_path=CHROMIUM,
        args=["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream",
              "--use-fake-device-for-media-stream"],
    )  # fmt: skip
    try:
        page = Page(browser, here)
        page.view.click("#camera")
        page.until("document.getElementById('video').videoWidth > 0")
        page.view.click("#snap")
        page.until("!document.getElementById('trouble').hidden")  # a test card has no face
        assert page.view.evaluate("document.getElementById('video').srcObject") is None
        page.context.close()
    finally:
        browser.close()


def test_a_token_is_asked_for(browse, serve, data):
    token = "a token of some length"
    page = browse(here=serve(token=token))
    page.view.set_input_files("#file", data / "astronaut.jpg")
    page.view.fill("#token", token)
    page.view.click("#asking button")
    page.until("document.body.dataset.state === 'ready'")


def test_light_and_dark_by_choice(browse):
    page = browse()
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.view.evaluate(colour)
    page.view.click("#theme")
    assert page.view.evaluate(colour) != light
    page.view.reload()
    assert page.view.evaluate(colour) != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(browse, crowd, scheme):
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core is not installed")
    axe = next(Path(found.origin).parent.glob("*.min.js")).read_text(encoding="utf-8")

    def serious(page: Page) -> list[str]:
        page.view.evaluate(axe)
        told = page.view.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{entry['id']} ({entry['impact']}): {entry['nodes'][0]['html']}"
            for entry in told["violations"]
            if entry["impact"] in ("serious", "critical", "moderate")
        ]

    page = browse(color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    assert serious(page) == []
    page.open({"name": "group.png", "mimeType": "image/png", "buffer": crowd})
    page.view.click("#comparing")
    assert serious(page) == []
    page.view.click("#zoom")
    page.until("!document.getElementById('actual').hidden")
    assert serious(page) == []
    assert serious(browse("/docs", color_scheme=scheme, bypass_csp=True)) == []
