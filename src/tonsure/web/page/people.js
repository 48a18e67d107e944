// Who is in the photo, from left to right; who is chosen; what there is to know about each.

import { busy } from "./busy.js";
import { actual } from "./compare.js";
import { watch } from "./net.js";
import { draw, keep, showDegree, stop } from "./picture.js";
import { $, asked, chosenFaces, leftToRight, place, state } from "./state.js";
import { complain, say } from "./words.js";

export const SIZE = 1280; // of the preview, pixels

export function showFaces() {
  const { photo } = state;
  const { faces, photo: whole, preview } = photo.told;
  const sorted = leftToRight(faces);
  const scale = preview.width / whole.width;
  const people = sorted.map((face, k) => person(String(face.number), say("face", { n: k + 1 }), face, scale));
  if (faces.filter((face) => face.usable).length > 1) people.push(person("all", say("everyone"), null, scale));
  $("faces").querySelector(".people").replaceChildren(...people);
  $("faces").hidden = faces.length < 2;
  $("boxes").dataset.alone = String(faces.length < 2);
  $("boxes").replaceChildren(...sorted.map((face, k) => box(face, k + 1, whole)));
  mark();
}

// Boxes are seen for a moment, and while somebody points at the list: never over the result.
export function flash() {
  $("boxes").dataset.shown = "true";
  setTimeout(() => { $("boxes").dataset.shown = "false"; }, 1200);
}
for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
  $("faces").addEventListener(event, () => { $("boxes").dataset.shown = String(on); });
}

function person(value, name, face, scale) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "face", value });
  const round = document.createElement("span");
  const usable = !face || face.usable;
  input.disabled = !usable;
  input.checked = state.photo.who === value;
  input.setAttribute("aria-label", usable ? name : say("tooSmall", { face: name }));
  label.title = usable ? name : say("tooSmall", { face: name });
  input.addEventListener("change", () => pick(value));
  label.append(input, round);
  if (face) {
    const [x0, y0, x1, y1] = face.box.map((side) => side * scale);
    const side = Math.max(x1 - x0, y1 - y0) * 1.7;
    const canvas = Object.assign(document.createElement("canvas"), { width: 116, height: 116 });
    canvas.getContext("2d").drawImage(state.photo.preview, (x0 + x1 - side) / 2, (y0 + y1 - side * 1.15) / 2, side, side, 0, 0, 116, 116);
    round.append(canvas);
    label.dataset.face = value;
    const number = Object.assign(document.createElement("b"), { textContent: String(place(face.number)) });
    number.setAttribute("aria-hidden", "true");
    label.append(number, document.createElement("small"));
  } else {
    label.className = "all";
    round.textContent = say("all");
  }
  return label;
}

function box(face, number, whole) {
  const button = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1, disabled: !face.usable });
  const [x0, y0, x1, y1] = face.box;
  const share = (value, all) => `${(100 * value) / all}%`;
  Object.assign(button.style, {
    left: share(x0, whole.width), top: share(y0, whole.height),
    width: share(x1 - x0, whole.width), height: share(y1 - y0, whole.height),
  });
  button.dataset.face = String(face.number);
  const label = document.createElement("span");
  label.textContent = String(number);
  button.append(label);
  button.addEventListener("click", () => pick(String(face.number)));
  return button;
}

function mark() {
  const { photo } = state;
  const chosen = chosenFaces().map(String);
  for (const button of $("boxes").children) button.dataset.on = String(chosen.includes(button.dataset.face));
  for (const input of document.querySelectorAll("input[name=face]")) input.checked = input.value === photo.who;
  for (const label of document.querySelectorAll(".people label[data-face]")) {
    label.dataset.ready = String(photo.notes.has(Number(label.dataset.face)));
  }
}

export async function pick(who) {
  const { photo } = state;
  const before = photo.who;
  stop();
  actual(false);
  photo.who = who;
  mark();
  if (chosenFaces().some((number) => !photo.notes.has(number))) {
    try {
      await busy(async (signal, tell) => {
        const fields = { image: photo.file, face: who, size: SIZE, edits: asked() };
        await keep(await watch("v1/layers", fields, signal, tell), photo);
      });
    } catch (error) {
      if (state.photo !== photo) return;
      photo.who = before;
      mark();
      if (error.name !== "AbortError") complain(error.code || "internal", error.seconds);
      return;
    }
  }
  if (state.photo !== photo) return;
  // who was not touched yet goes bald; the others keep what they have
  const chosen = chosenFaces();
  if (!chosen.some((number) => photo.degrees.get(number) > 0)) for (const number of chosen) photo.degrees.set(number, 1);
  else if (who === "all") {
    const most = Math.max(...chosen.map((number) => photo.degrees.get(number) || 0));
    for (const number of chosen) if (!photo.degrees.has(number)) photo.degrees.set(number, most);
  }
  showDegree();
  document.dispatchEvent(new Event("chosen"));
  mark();
  tell();
  draw();
  document.querySelector("input[name=face]:checked")?.focus({ preventScroll: true });
}

// ---- what there is to know

export function tell() {
  const { photo } = state;
  if (!photo) return;
  const lines = [];
  const add = (text, warned) => lines.push(Object.assign(document.createElement("li"), { textContent: text, className: warned ? "warned" : "" }));
  const touched = [...new Set([...chosenFaces(), ...[...photo.degrees.keys()].filter((n) => photo.degrees.get(n) > 0)])];
  const changed = touched.some((number) => photo.heads.has(number) && photo.degrees.get(number) > 0);
  if (photo.after) add(say("changedMore"));
  else if (changed) add(say("changedOne"));
  else if (touched.some((number) => photo.heads.has(number))) add(say("changedNothing"));
  for (const number of touched.sort((a, b) => place(a) - place(b))) {
    for (const note of photo.notes.get(number) || []) {
      const text = say(`warnings.${note.code}`) || note.text;
      const many = photo.told.faces.length > 1;
      add(many ? say("withFace", { n: place(number), text }) : text[0].toUpperCase() + text.slice(1), true);
    }
  }
  for (const note of photo.general) add(say(`warnings.${note.code}`) || note.text, true);
  add(say("metadata"));
  $("notes").querySelector("ul").replaceChildren(...lines);
}
