// A short film: it is sent whole, and comes back as one that is played here.

import { Problem, get, watch } from "./net.js";
import { $ } from "./state.js";
import { complain, say, warn } from "./words.js";

let film = null; // the file that was chosen
let work = null; // the AbortController of the request that makes it
let shown = ""; // the address of what is played

export const isFilm = (file) => file.type.startsWith("video/") || /\.(mp4|m4v|mov|webm)$/i.test(file.name || "");

function play(blob) {
  if (shown) URL.revokeObjectURL(shown);
  shown = blob ? URL.createObjectURL(blob) : "";
  if (shown) $("film").src = shown;
  else $("film").removeAttribute("src");
}

function rest() {
  // nothing is at work
  work = null;
  $("clip-share").hidden = true;
  $("clip-panel").inert = false;
  $("clip-make").disabled = false;
  $("clip-leave").textContent = say("cancel");
}

// How long the film is, as far as this browser can tell; 0 if it cannot.
function seconds() {
  return new Promise((resolve) => {
    const video = $("film");
    if (video.readyState > 0) {
      resolve(Number.isFinite(video.duration) ? video.duration : 0);
      return;
    }
    video.addEventListener("loadedmetadata", () => resolve(Number.isFinite(video.duration) ? video.duration : 0), { once: true });
    video.addEventListener("error", () => resolve(0), { once: true });
    setTimeout(() => resolve(0), 5000);
  });
}

export async function openFilm(file) {
  let limits;
  try {
    limits = await get("v1/clip");
  } catch (error) {
    complain(error.code || "internal");
    return;
  }
  if (!limits.seconds) {
    complain("no_films");
    return;
  }
  film = file;
  rest();
  play(file);
  $("clip-save").hidden = true;
  $("clip-step").textContent = say("clipLimit", { n: limits.seconds });
  if (!$("clip").open) $("clip").showModal();
  const length = await seconds();
  if (film === file && length > limits.seconds + 0.5) {
    $("clip-make").disabled = true;
    $("clip-step").textContent = say("clipTooLong", { n: limits.seconds, m: Math.round(length) });
  }
}

function tell({ step, share = 0, number = 0, of = 0 }) {
  const percent = Math.round(100 * (step === "sending" ? share : number / (of || Infinity)));
  const text = step === "frames" ? say("steps.frames", { n: number, of: of || "?" }) : say(`steps.${step === "reading" ? "readingFilm" : step}`, { n: percent });
  $("clip-step").textContent = text;
  $("clip-share").hidden = false;
  if (step === "frames" && of) $("clip-share").value = Math.min(number / of, 1);
  else $("clip-share").removeAttribute("value");
}

async function make() {
  const controller = new AbortController();
  work = controller;
  $("clip-panel").inert = true;
  $("clip-make").disabled = true;
  $("clip-save").hidden = true;
  const fields = { film, degree: $("clip-degree").value, style: $("clip-style").value };
  try {
    const done = await watch("v1/clip", fields, controller.signal, tell);
    if (work !== controller) return;
    const bytes = Uint8Array.from(atob(done.film.base64), (one) => one.charCodeAt(0));
    const blob = new Blob([bytes], { type: done.film.media_type });
    play(blob);
    $("clip-save").href = shown;
    $("clip-save").download = `${(film.name || "film").replace(/\.[^.]*$/, "")}.bald.mp4`;
    $("clip-save").hidden = false;
    rest();
    $("clip-leave").textContent = say("close");
    $("clip-step").textContent = say("clipDone", { n: done.report.frames });
  } catch (error) {
    if (work !== controller) return;
    rest();
    $("clip-step").textContent = error.name === "AbortError" ? say("stopped") : "";
    if (error instanceof Problem) {
      const key = error.code === "no_face" || error.code === "timed_out" || error.code === "limit_exceeded" || error.code === "wrong_type" ? `filmErrors.${error.code}` : `errors.${error.code}`;
      $("clip-step").textContent = say(key, { seconds: error.seconds }) || say("errors.internal");
    } else if (error.name !== "AbortError") warn(say("errors.internal"), "internal");
  }
}

// While it works, the first click stops the work; the next one closes.
function leave() {
  if (work) work.abort();
  else $("clip").close();
}

$("clip-make").addEventListener("click", make);
$("clip-leave").addEventListener("click", leave);
$("clip-panel").addEventListener("submit", (event) => event.preventDefault());
$("clip").addEventListener("close", () => {
  work?.abort();
  work = null;
  film = null;
  play(null);
});
