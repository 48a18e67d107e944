"""The page, as people use it: the divider, faces, 1:1, what leaves the page, and stopping it."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
from PIL import Image

from browsing import NEEDED, READY
from tonsure.editor import Editor

pytestmark = NEEDED


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
        navigator.share = async ({ files: [{ name, type }] }) => window.shared.push(name, type);
    }""")
    page.open(data / "astronaut.jpg")
    page.view.click("#share")
    page.until("window.shared.length === 2")
    assert page.view.evaluate("window.shared") == ["astronaut.bald.jpg", "image/jpeg"]
    page.view.click("#copy")
    page.until("document.getElementById('copied').textContent.startsWith('Copied')")
    read = "navigator.clipboard.read().then(([item]) => item.getType('image/png'))"
    assert page.view.evaluate(f"{read}.then((file) => file.size)") > 1000


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
