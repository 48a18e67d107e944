// What leaves the page: files, what is shared, what is copied. The server makes each from the photo itself.

import { busy } from "./busy.js";
import { send } from "./net.js";
import { $, asked, edits, state, style } from "./state.js";
import { announce, complain, say, warn } from "./words.js";

const ENDINGS = { jpeg: "jpg" };
const TYPES = { JPEG: "image/jpeg", PNG: "image/png", WEBP: "image/webp", AVIF: "image/avif" };

export function showKind() {
  const { photo } = state.photo.told;
  const own = photo.format === "HEIF" ? "JPEG" : photo.format;
  const format = $("format").value.toUpperCase() || own;
  $("kind").textContent = say("fullSize", { w: photo.width, h: photo.height, format });
}

// A file from the server; null if there is none, which people were told.
async function fetched(path, fields) {
  const { photo } = state;
  try {
    return await busy(async (signal, tell) => {
      tell({ step: "making" });
      const response = await send(path, { image: photo.file, style: style(), ...fields }, signal);
      const blob = await response.blob();
      const kind = (response.headers.get("Content-Type") || "").split("/")[1];
      const name = `${photo.name.replace(/\.[^.]*$/, "")}.bald.${ENDINGS[kind] || kind}`;
      return new File([blob], name, { type: blob.type });
    }, { light: true });
  } catch (error) {
    if (error.name !== "AbortError") complain(error.code || "internal", error.seconds);
    return null;
  }
}

async function save(path, fields) {
  const file = await fetched(path, fields);
  if (!file) return;
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: file.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  announce(say("saved", { name: file.name }));
}

async function share() {
  const file = await fetched("v1/edit", { edits: edits(), format: $("format").value });
  if (!file) return;
  try {
    await navigator.share({ files: [file] });
  } catch (error) {
    if (error.name !== "AbortError") warn(say("noShare"), "no_share");
  }
}

async function copy() {
  // begun at once: browsers allow it right after a click only
  const file = fetched("v1/edit", { edits: edits(), format: "png" });
  const made = file.then((one) => one || Promise.reject(new DOMException("stopped", "AbortError")));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": made })]);
    announce(say("copied"));
    $("copied").textContent = say("copied");
    setTimeout(() => { $("copied").textContent = ""; }, 4000);
  } catch {
    if (await file) warn(say("noShare"), "no_share");
  }
}

// Only what this browser can do is offered; without TLS it may do neither.
export function offerWays() {
  const { photo } = state.photo.told;
  const type = TYPES[photo.format] || "image/jpeg";
  const sample = new File(["x"], "a", { type });
  $("share").hidden = !(navigator.canShare && navigator.canShare({ files: [sample] }));
  $("copy").hidden = !(navigator.clipboard && navigator.clipboard.write && window.ClipboardItem);
  showKind();
}

$("format").addEventListener("change", showKind);
$("download").addEventListener("click", () => save("v1/edit", { edits: edits(), format: $("format").value }));
$("pair").addEventListener("click", () => save("v1/sequence", { kind: "pair", edits: edits(), format: $("format").value }));
for (const kind of ["gif", "webp"]) {
  $(kind).addEventListener("click", () => {
    const edits = asked(); // names faces itself
    save("v1/sequence", { kind, steps: 21, face: edits ? "" : state.photo.who, edits });
  });
}
$("share").addEventListener("click", share);
$("copy").addEventListener("click", copy);
