// Requests to the page's own server; nothing else is ever asked.

import { $ } from "./state.js";

let token = sessionStorage.getItem("token") || "";

export class Problem extends Error {
  constructor(code, seconds = 5) {
    super(code);
    this.code = code;
    this.seconds = seconds;
  }
}

function form(fields) {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== "") made.append(name, value);
  return made;
}

// The answer to a form: a Response. Raises a Problem, or an AbortError.
export async function send(path, fields, signal) {
  let response;
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    response = await fetch(path, { method: "POST", body: form(fields), headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("offline");
  }
  if (response.ok) return response;
  let code = "internal";
  try {
    code = (await response.json()).code;
  } catch { /* not one of ours: a proxy's */ }
  if (code === "unauthorized" && (await ask())) return send(path, fields, signal);
  throw new Problem(code, Number(response.headers.get("Retry-After")) || 5);
}

// What is only looked at: JSON. Raises a Problem.
export async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  } catch {
    throw new Problem("offline");
  }
  if (response.ok) return response.json();
  if (response.status === 401 && (await ask())) return get(path);
  throw new Problem("internal");
}

// The same for an answer in lines: `tell` hears each step, and how much of the photo was sent,
// which only an XMLHttpRequest knows.
export async function watch(path, fields, signal, tell) {
  if (signal.aborted) throw new DOMException("aborted", "AbortError");
  const request = new XMLHttpRequest();
  let read = 0;
  let last = null;
  const lines = () => {
    if (request.status !== 200) return;
    for (let end; (end = request.responseText.indexOf("\n", read)) >= 0; read = end + 1) {
      const line = request.responseText.slice(read, end);
      if (!line) continue;
      last = JSON.parse(line);
      if (last.step) tell(last);
    }
  };
  await new Promise((resolve, reject) => {
    const leave = () => request.abort();
    const end = (act) => () => {
      signal.removeEventListener("abort", leave);
      act();
    };
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/x-ndjson");
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = (event) => tell({ step: "sending", share: event.total ? event.loaded / event.total : 0 });
    request.onprogress = lines;
    request.onload = end(resolve);
    request.onerror = end(() => reject(new Problem("offline")));
    request.onabort = end(() => reject(new DOMException("aborted", "AbortError")));
    signal.addEventListener("abort", leave, { once: true });
    request.send(form(fields));
  });
  lines();
  if (last && last.done) return last.done;
  if (last && last.problem) throw new Problem(last.problem.code, last.problem.retry_after);
  if (request.status === 200) throw new Problem("offline"); // it ended in the middle
  let code = "internal";
  try {
    code = JSON.parse(request.responseText).code;
  } catch { /* not one of ours: a proxy's */ }
  if (code === "unauthorized" && (await ask())) return watch(path, fields, signal, tell);
  throw new Problem(code, Number(request.getResponseHeader("Retry-After")) || 5);
}

// Asks for the server's token; whether there is one now.
function ask() {
  return new Promise((resolve) => {
    const dialog = $("asking");
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      token = $("token").value.trim();
      $("token").value = "";
      sessionStorage.setItem("token", token);
      resolve(dialog.returnValue === "ok" && token !== "");
    }, { once: true });
    dialog.showModal();
  });
}
