// Changes besides baldness: a slider for each attribute that the server lists. Moving one asks the
// server for the layers anew; baldness is still blended here.

import { busy } from "./busy.js";
import { actual } from "./compare.js";
import { get, watch } from "./net.js";
import { SIZE, tell } from "./people.js";
import { draw, keep, load, stop } from "./picture.js";
import { $, asked, chosenFaces, state } from "./state.js";
import { complain, say } from "./words.js";

const COLOURS = ["Black_Hair", "Blond_Hair", "Brown_Hair"]; // hair has one of them
let listed = null;

const drawer = $("drawer");
const sliders = drawer.querySelector(".sliders");

drawer.addEventListener("toggle", async () => {
  if (!drawer.open || listed) return;
  try {
    listed = (await get("v1/attributes")).attributes;
    showChanges();
  } catch (error) {
    drawer.open = false;
    complain(error.code || "internal", error.seconds);
  }
});
document.addEventListener("chosen", () => showChanges());

// The sliders, with what the chosen faces have.
export function showChanges() {
  if (!listed || !state.photo) return;
  const rows = listed.filter(({ name, on, off }) => name !== "Bald" && (on || off));
  sliders.replaceChildren(...rows.map(row));
}

function value(name) {
  const values = chosenFaces().map((number) => state.photo.more.get(number)?.[name] || 0);
  return values.find((d) => d) || 0;
}

function row({ name, on, off }) {
  const label = document.createElement("label");
  const text = Object.assign(document.createElement("span"), { textContent: say(`attributes.${name}`) });
  const shown = document.createElement("output");
  const input = Object.assign(document.createElement("input"), {
    type: "range", min: off ? "-1" : "0", max: on ? "1" : "0", step: "0.1", name,
  });
  input.value = String(value(name));
  const mark = document.createElement("small");
  const show = () => {
    const d = Number(input.value);
    shown.value = say("percent", { n: Math.round(100 * d) });
    const way = d < 0 ? off : on;
    const doubtful = (d || !off || !on) ? way?.experimental : on.experimental && off.experimental;
    const told = way || on || off;
    mark.textContent = doubtful ? say("experimental", { n: told.believable, of: told.seen }) : "";
  };
  input.addEventListener("input", show);
  input.addEventListener("change", () => change(name, Number(input.value)));
  show();
  label.append(text, shown, input, mark);
  return label;
}

async function change(name, d) {
  const { photo } = state;
  const before = new Map([...photo.more].map(([number, own]) => [number, { ...own }]));
  for (const number of chosenFaces()) {
    const own = { ...photo.more.get(number), [name]: d };
    if (COLOURS.includes(name) && d > 0) for (const other of COLOURS) if (other !== name && own[other] > 0) own[other] = 0;
    photo.more.set(number, own);
  }
  stop();
  actual(false);
  try {
    await busy(async (signal, step) => {
      const fields = { image: photo.file, face: photo.who, size: SIZE, edits: asked() };
      const told = await watch("v1/layers", fields, signal, step);
      const after = await load(told.preview.picture);
      await keep(told, photo);
      photo.after = asked() ? after : null;
    }, { light: true });
  } catch (error) {
    if (state.photo !== photo) return;
    photo.more = before;
    if (error.name !== "AbortError") complain(error.code || "internal", error.seconds);
  }
  if (state.photo !== photo) return;
  showChanges();
  sliders.querySelector(`input[name=${name}]`)?.focus({ preventScroll: true });
  draw();
  tell();
}
