"""The page, as people use it: a photo from the first look to the download, in a real browser."""

from __future__ import annotations

import base64
import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browsing import CHROMIUM, NEEDED, READY, Page
from tonsure.editor import Editor

pytestmark = NEEDED


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
    for _ in range(13):
        keyboard.press("Tab")
        seen.append(page.view.evaluate("document.activeElement.id || document.activeElement.name"))
    assert seen[:5] == ["style", "more", "play", "comparing", "zoom"]
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
    for _ in range(600):  # the first photo is ready as well: wait for the second one's way first
        if len([one for one in page.asked if "/v1/layers" in one]) > uploads:
            break
        page.view.wait_for_timeout(100)
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
