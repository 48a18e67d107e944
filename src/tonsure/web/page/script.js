// The photo goes to this page's own server once; what comes back are layers, and every degree is
// blended here. Nothing else is fetched.

import { busy, halt, isBusy } from "./busy.js";
import { isFilm, openFilm } from "./clip.js";
import { actual, compare } from "./compare.js";
import { showChanges } from "./drawer.js";
import { offerWays, showKind } from "./files.js";
import { watch } from "./net.js";
import { flash, showFaces, SIZE, tell } from "./people.js";
import { calm, draw, fit, keep, load, peek, play, pose, reveal, stop } from "./picture.js";
import { $, state } from "./state.js";
import { announce, complain, say, speak, spoken, warn } from "./words.js";

const slider = $("degree");

// ---- opening

async function open(file) {
  if (!file) return;
  const controller = new AbortController();
  stop();
  actual(false);
  compare(false);
  $("trouble").hidden = true;
  $("start").hidden = true;
  $("editor").hidden = false;
  $("boxes").replaceChildren();
  document.body.dataset.state = "working";
  try {
    await busy((signal, step) => opened(file, signal, step), { controller });
  } catch (error) {
    if (document.body.dataset.state !== "working" || isBusy()) return; // another one is opened
    if (state.photo) resume();
    else back();
    if (error.name !== "AbortError") complain(error.code || "internal", error.seconds);
    return;
  }
  if (controller.signal.aborted) return;
  slider.focus({ preventScroll: true });
  if (calm.matches) tell();
  else reveal(tell);
}

async function opened(file, signal, step) {
  await peek(file, SIZE, signal);
  step({ step: "sending" });
  const told = await watch("v1/layers", { image: file, face: "largest", size: SIZE }, signal, step);
  const preview = await load(told.preview.picture);
  const who = String(told.chosen[0] || 1);
  const photo = {
    file, name: file.name || "photo", told, preview, who,
    heads: new Map(), notes: new Map(), degrees: new Map(), more: new Map(), after: null,
  };
  await keep(told, photo);
  if (signal.aborted) throw new DOMException("aborted", "AbortError");
  state.photo = photo;
  $("format").value = "";
  resume();
  pose(calm.matches ? 1 : 0);
  offerWays();
  flash();
  tell();
  const count = told.faces.length === 1 ? say("oneFace") : say("manyFaces", { n: told.faces.length });
  announce(say("opened", { count }));
}

function resume() {
  // show the photo that is open
  const { preview } = state.photo.told;
  fit(preview.width, preview.height);
  document.body.dataset.state = "ready";
  showFaces();
  showChanges();
  draw();
}

function back() {
  halt();
  stop();
  actual(false);
  compare(false);
  state.photo = null;
  $("editor").hidden = true;
  $("start").hidden = false;
  document.body.dataset.state = "start";
  $("choose").focus();
}

// Files that were dropped or pasted: the first is opened, after a question if one is open already.
async function offer(files) {
  const [file] = files;
  if (!file) return;
  if (isFilm(file)) {
    await openFilm(file);
    return;
  }
  if (state.photo && !(await agreed())) return;
  await Promise.all([open(file), files.length > 1 && warn(say("several", { n: files.length }), "several")]);
}

// A dialog says that it closed only a moment after it did: the next question waits for that word, or
// it would take the answer to this one for its own.
let asked = Promise.resolve();

function agreed() {
  const dialog = $("replacing");
  if (dialog.open) return Promise.resolve(false);
  asked = asked.then(() => new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  }));
  return asked;
}

// ---- the camera

async function look() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1440 }, facingMode: "user" } });
  } catch {
    complain("no_camera");
    return;
  }
  $("video").srcObject = stream;
  $("webcam").showModal();
  $("webcam").addEventListener("close", () => {
    for (const track of stream.getTracks()) track.stop();
    $("video").srcObject = null;
  }, { once: true });
}

function snap() {
  const video = $("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => {
    $("webcam").close();
    if (blob) open(new File([blob], "camera.jpg", { type: "image/jpeg" }));
  }, "image/jpeg", 0.95);
}

// ---- what people do

slider.addEventListener("input", () => {
  stop();
  actual(false);
  pose(Number(slider.value));
});
slider.addEventListener("change", tell);
for (const input of document.querySelectorAll("input[name=style]")) {
  input.addEventListener("change", () => {
    actual(false);
    if (state.photo && !state.playing && Number(slider.value) === 1) pose(0.6); // at 1 both are the same
    draw();
    tell();
  });
}
$("play").addEventListener("click", () => {
  actual(false);
  play();
});
$("halt").addEventListener("click", halt);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (isBusy()) halt();
  else actual(false);
});
$("choose").addEventListener("click", () => $("file").click());
$("another").addEventListener("click", back);
$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (file && isFilm(file)) openFilm(file);
  else open(file);
});
$("camera").addEventListener("click", look);
$("snap").addEventListener("click", snap);
$("leave").addEventListener("click", () => $("webcam").close());
$("example").addEventListener("click", async () => {
  const blob = await (await fetch("page/example.jpg")).blob();
  open(new File([blob], "example.jpg", { type: "image/jpeg" }));
});
$("trouble").querySelector("button").addEventListener("click", () => { $("trouble").hidden = true; });
$("panel").addEventListener("submit", (event) => event.preventDefault());

let dragged = 0;
const hasFile = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
addEventListener("dragenter", (event) => {
  if (!hasFile(event)) return;
  dragged += 1;
  $("over").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!hasFile(event)) return;
  dragged = Math.max(0, dragged - 1);
  $("over").hidden = dragged === 0;
});
addEventListener("dragover", (event) => { if (hasFile(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  dragged = 0;
  $("over").hidden = true;
  offer([...event.dataTransfer.files]);
});
addEventListener("paste", (event) => {
  offer([...(event.clipboardData?.files || [])]);
});

function turn(language) {
  speak(language);
  if (!state.photo) return;
  showFaces();
  showChanges();
  showKind();
  tell();
  draw();
}

$("language").addEventListener("click", () => {
  turn(spoken() === "zh" ? "en" : "zh");
  localStorage.setItem("language", spoken());
});
$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
const preferred = (navigator.languages || []).find((tag) => /^(en|zh)\b/.test(tag)) || "en";
speak(localStorage.getItem("language") || preferred.slice(0, 2));
