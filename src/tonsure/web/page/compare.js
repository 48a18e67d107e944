// Two ways to look closer: a divider between before and after, and the photo pixel by pixel.

import { busy } from "./busy.js";
import { send } from "./net.js";
import { draw, load } from "./picture.js";
import { $, edits, state, style } from "./state.js";
import { complain } from "./words.js";

const divider = $("divider");

// ---- the divider: a slider for keys and screen readers, the whole picture for fingers and mice

export function compare(on) {
  $("compare").hidden = !on;
  $("comparing").setAttribute("aria-pressed", String(on));
  draw();
}

function moveTo(percent) {
  divider.value = String(Math.min(100, Math.max(0, percent)));
  $("compare").style.setProperty("--at", `${divider.value}%`);
  draw();
}

function follow(event) {
  const { left, width } = $("compare").getBoundingClientRect();
  moveTo((100 * (event.clientX - left)) / width);
}

$("compare").addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  $("compare").setPointerCapture(event.pointerId);
  follow(event);
  divider.focus({ preventScroll: true });
  event.preventDefault();
});
$("compare").addEventListener("pointermove", (event) => {
  if ($("compare").hasPointerCapture(event.pointerId)) follow(event);
});
divider.addEventListener("input", () => moveTo(Number(divider.value)));
$("comparing").addEventListener("click", () => {
  actual(false);
  compare($("compare").hidden);
});

// ---- 1:1

const view = $("actual");
let shown = []; // addresses of what is shown, to be forgotten

export function actual(on) {
  if (view.hidden === !on) return;
  view.hidden = !on;
  $("whole").hidden = !on;
  $("zoom").setAttribute("aria-pressed", String(on));
  document.body.dataset.actual = String(on);
  if (on) return;
  for (const address of shown) URL.revokeObjectURL(address);
  shown = [];
  view.replaceChildren();
}

async function magnify() {
  const { photo } = state;
  const fields = { image: photo.file, style: style(), format: "jpeg", quality: 95 };
  try {
    await busy(async (signal, tell) => {
      tell({ step: "loading" });
      const made = URL.createObjectURL(await (await send("v1/edit", { ...fields, edits: edits() }, signal)).blob());
      shown.push(made);
      const after = await load(made);
      const own = URL.createObjectURL(photo.file);
      shown.push(own);
      // what this browser cannot show the server turns into what it can
      const before = await load(own).catch(async () => {
        const plain = await send("v1/edit", { ...fields, edits: '{"bald": 0}' }, signal);
        shown.push(URL.createObjectURL(await plain.blob()));
        return load(shown.at(-1));
      });
      if (signal.aborted || state.photo !== photo) return;
      before.className = "was";
      for (const image of [before, after]) {
        image.alt = "";
        image.draggable = false;
        image.style.width = `${after.naturalWidth / devicePixelRatio}px`;
      }
      compare(false);
      view.replaceChildren(after, before);
      $("whole").setAttribute("aria-pressed", "false");
      actual(true);
      const face = photo.told.faces.find(({ number }) => photo.degrees.get(number) > 0) || photo.told.faces[0];
      const [x, y] = [(face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2];
      view.scrollLeft = x / devicePixelRatio - view.clientWidth / 2;
      view.scrollTop = y / devicePixelRatio - view.clientHeight / 2;
      view.focus({ preventScroll: true });
    }, { light: true });
  } catch (error) {
    actual(false);
    if (error.name !== "AbortError") complain(error.code || "internal", error.seconds);
  }
}

$("zoom").addEventListener("click", () => {
  if (view.hidden) magnify();
  else actual(false);
});
$("whole").addEventListener("click", () => {
  const on = $("whole").getAttribute("aria-pressed") !== "true";
  $("whole").setAttribute("aria-pressed", String(on));
});
// a mouse drags the picture; fingers and keys scroll it by themselves
view.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "mouse" && event.button === 0) view.setPointerCapture(event.pointerId);
});
view.addEventListener("pointermove", (event) => {
  if (!view.hasPointerCapture(event.pointerId)) return;
  view.scrollLeft -= event.movementX;
  view.scrollTop -= event.movementY;
});
