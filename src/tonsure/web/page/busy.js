// One thing at a time that takes time: what it does is said, and it can be stopped.

import { $ } from "./state.js";
import { announce, say } from "./words.js";

const ORDER = ["sending", "waiting", "reading", "faces", "head"];
let current = null;

// Run `act(signal, tell)`; "light" leaves the picture to be seen. Stopped, it raises an AbortError.
export async function busy(act, { light = false, controller = new AbortController() } = {}) {
  current?.abort();
  current = controller;
  $("working").hidden = false;
  $("working").dataset.light = String(light);
  $("panel").inert = true;
  try {
    return await act(controller.signal, tell);
  } finally {
    if (current === controller) {
      current = null;
      $("working").hidden = true;
      $("panel").inert = false;
    }
  }
}

export const isBusy = () => current !== null;

export function halt() {
  if (!current) return;
  current.abort();
  announce(say("stopped"));
}

// Say a step: a name of `steps`, with its numbers.
export function tell({ step, share = 0, number = 1, of = 1 }) {
  const key = step === "head" && of > 1 ? "heads" : step;
  const text = say(`steps.${key}`, { n: step === "sending" ? Math.round(100 * share) : number, of });
  const at = ORDER.indexOf(step);
  $("step").textContent = text;
  $("steps").hidden = at < 0;
  $("steps").value = at < 0 ? 0 : at + (step === "sending" ? share : (number - 0.5) / of);
  // percents would be read out one by one
  if ($("working").dataset.step !== key) announce(step === "sending" ? say("steps.sending", { n: 0 }) : text);
  $("working").dataset.step = key;
}
