"""The page's drawer of sliders: all attributes, by face, with what the download then is."""

from __future__ import annotations

import numpy as np
from PIL import Image

from browsing import NEEDED
from tonsure.edit.catalogue import CATALOGUE
from tonsure.editor import Editor

pytestmark = NEEDED


def test_a_slider_of_the_drawer(browse, data, astronaut, tmp_path):
    page = browse()
    page.open(data / "astronaut.jpg")
    page.degree(0)
    page.view.click("#drawer summary")
    page.until("document.querySelectorAll('.sliders input').length > 0")
    names = page.view.evaluate(
        "[...document.querySelectorAll('.sliders input')].map((i) => i.name)"
    )
    assert names == [n for n, one in CATALOGUE.items() if n != "Bald" and (one.on or one.off)]
    page.shot("drawer")

    def move(name, d):
        page.view.evaluate(
            """([name, d]) => {
                const input = document.querySelector(`.sliders input[name=${name}]`);
                input.value = String(d);
                input.dispatchEvent(new Event("change"));
            }""",
            [name, d],
        )
        page.until("document.getElementById('working').hidden")

    move("Blond_Hair", 1)
    move("Black_Hair", 1)  # takes blond's place: hair has one colour
    page.until("document.querySelector('.sliders input[name=Blond_Hair]').value === '0'")
    with Editor().open(astronaut) as shot:
        black = shot.edit({"Black_Hair": 1}).image
        assert np.abs(page.pixels() - black).mean() < 2.5
        with page.view.expect_download() as waiting:
            page.view.click("#download")
        waiting.value.save_as(tmp_path / "got.jpg")
        with Image.open(tmp_path / "got.jpg") as im:
            assert np.abs(np.asarray(im, float) - black).mean() < 2.5
    move("Black_Hair", 0)
    assert np.abs(page.pixels() - astronaut).mean() < 2.5
