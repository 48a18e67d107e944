// The picture: heads as the server tells them, blended at every degree, moved by the animation.

import { $, baldFaces, chosenFaces, place, setPlaying, state, style } from "./state.js";
import { say } from "./words.js";

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
const canvas = $("picture");
const pen = canvas.getContext("2d");
const slider = $("degree");
const SOFT = { recede: 0.14, thin: 0.3 };

export function load(address) {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}

// Heads of faces, each as its colours and three planes: mask, time of receding, time of thinning.
export async function keep(told, into) {
  for (const head of told.heads) {
    const packed = Uint8Array.from(atob(head.planes), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const [x0, y0, x1, y1] = head.box;
    const [width, height] = [x1 - x0, y1 - y0];
    const own = new OffscreenCanvas(width, height);
    into.heads.set(head.face, {
      x: x0, y: y0, width, height, canvas: own, pen: own.getContext("2d"),
      colour: await load(head.colour), weights: new ImageData(width, height),
      mask: planes.subarray(0, width * height),
      recede: planes.subarray(width * height, 2 * width * height),
      thin: planes.subarray(2 * width * height),
    });
  }
  for (const number of told.chosen) {
    into.notes.set(number, told.warnings.filter((note) => note.face === number));
  }
  into.general = told.warnings.filter((note) => note.face === null);
}

export function fit(width, height) {
  // as large as there is room, small photos up to twice their size
  Object.assign(canvas, { width, height });
  $("frame").style.setProperty("--ratio", String(width / height));
  $("frame").style.setProperty("--wide", `${2 * width}px`);
}

// The photo itself, while the server works; it may be of a kind that only the server can read.
export async function peek(file, size, signal) {
  try {
    const bitmap = await createImageBitmap(file);
    if (signal.aborted) return;
    const scale = Math.min(1, size / Math.max(bitmap.width, bitmap.height));
    fit(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
  } catch {
    fit(640, 480);
  }
}

// ---- blending, as tonsure's own `degree.weight` does it

function table(degree, how) {
  const soft = SOFT[how];
  return Uint8Array.from({ length: 256 }, (_, k) => {
    const s = Math.min(1, Math.max(0, (degree * (1 + soft) - k / 255) / soft));
    return Math.round(s * s * (3 - 2 * s) * 255);
  });
}

function lay(head, degree, how) {
  const alpha = head.weights.data;
  const { mask } = head;
  if (degree >= 1) {
    for (let k = 0, a = 3; k < mask.length; k += 1, a += 4) alpha[a] = mask[k];
  } else {
    const gone = table(degree, how);
    const time = head[how];
    for (let k = 0, a = 3; k < mask.length; k += 1, a += 4) alpha[a] = (mask[k] * gone[time[k]] + 127) / 255;
  }
  head.pen.globalCompositeOperation = "source-over";
  head.pen.putImageData(head.weights, 0, 0);
  head.pen.globalCompositeOperation = "source-in";
  head.pen.drawImage(head.colour, 0, 0, head.width, head.height);
  pen.drawImage(head.canvas, head.x, head.y);
}

export function draw() {
  const { photo } = state;
  if (!photo) return;
  const { width, height } = canvas;
  pen.drawImage(photo.after || photo.preview, 0, 0, width, height);
  for (const [number, degree] of baldFaces()) {
    const head = photo.heads.get(number);
    if (head) lay(head, degree, style());
  }
  if (!$("compare").hidden) {
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, (Number($("divider").value) / 100) * width, height);
    pen.clip();
    pen.drawImage(photo.preview, 0, 0, width, height);
    pen.restore();
  }
  describe();
}

function describe() {
  const percent = say("percent", { n: Math.round(Number(slider.value) * 100) });
  $("shown").value = percent;
  slider.setAttribute("aria-valuetext", percent);
  for (const label of document.querySelectorAll(".people label[data-face]")) {
    const degree = state.photo.degrees.get(Number(label.dataset.face)) || 0;
    label.querySelector("small").textContent = say("percent", { n: Math.round(degree * 100) });
  }
  const told = baldFaces().map(([number, degree]) => say("picture", {
    who: say("face", { n: place(number) }), n: Math.round(degree * 100),
  }));
  canvas.setAttribute("aria-label", told.join(say("separator")) || say("pictureAs"));
}

// ---- degrees

// Move the chosen faces to a degree.
export function pose(degree) {
  const value = Math.min(1, Math.max(0, degree));
  slider.value = String(value);
  for (const number of chosenFaces()) state.photo.degrees.set(number, value);
  draw();
}

// Show on the slider what the chosen faces have.
export function showDegree() {
  slider.value = String(Math.max(...chosenFaces().map((number) => state.photo.degrees.get(number) || 0)));
}

export function reveal(after) {
  const began = performance.now();
  setPlaying(began);
  const tick = (now) => {
    if (state.playing !== began) return;
    const share = Math.min(1, Math.max(0, (now - began - 250) / 1200));
    pose(1 - (1 - share) ** 2);
    if (share < 1) requestAnimationFrame(tick);
    else {
      setPlaying(0);
      after();
    }
  };
  requestAnimationFrame(tick);
}

export function play() {
  if ($("play").getAttribute("aria-pressed") === "true") {
    stop();
    return;
  }
  const began = performance.now();
  setPlaying(began);
  $("play").setAttribute("aria-pressed", "true");
  $("play").querySelector("span").textContent = say("pause");
  const start = Math.acos(1 - 2 * Number(slider.value)) / Math.PI / 2;
  const tick = (now) => {
    if (state.playing !== began) return;
    pose(0.5 - 0.6 * Math.cos(2 * Math.PI * ((now - began) / 5000 + start)));
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

export function stop() {
  setPlaying(0);
  $("play").setAttribute("aria-pressed", "false");
  $("play").querySelector("span").textContent = say("play");
}
