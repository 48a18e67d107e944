"use strict";
// The photo goes to this page's own server once; what comes back are layers, and every degree is
// blended here. Nothing else is fetched.

const TEXTS = {
  en: {
    title: "How would you look bald?",
    lead: "Give it a photo and watch the hair go, as little or as much as you like. The rest of the picture stays as it is.",
    choose: "Choose a photo", camera: "Use the camera", example: "Try it with this one",
    hint: "Or drop one anywhere here, or paste it. JPEG, PNG, WebP, AVIF.",
    promise: "Your photo stays on this machine. Nothing is kept.",
    promiseRemote: "Your photo goes to {host} only, and is forgotten there at once.",
    edited: "Your photo", before: "Before", after: "After", working: "Looking for faces…",
    degree: "How bald", percent: "{n}%", style: "How hair goes", recede: "Receding", thin: "Thinning",
    faces: "Who", face: "Face {n}", all: "All", everyone: "Everyone", tooSmall: "{face}, too small",
    play: "Play", pause: "Pause", compare: "Compare", divider: "Divider between before and after",
    noted: "What changed", download: "Download", another: "Another photo",
    gif: "Download the animation as GIF", webp: "Download the animation as WebP",
    drop: "Drop it", snap: "Take the photo", cancel: "Cancel", close: "Close",
    asking: "This server asks for its token", token: "Token", go: "Go on",
    marked: "Results are marked in their metadata as edited by a trained model.", docs: "For programs",
    theme: "Light or dark", picture: "{who}, {n}% bald", pictureAs: "the photo as it was",
    opened: "{count} found. The slider sets how bald.", oneFace: "One face", manyFaces: "{n} faces",
    saved: "Saved as {name}.", making: "Making the file…", fullSize: "{w} × {h} {format}",
    changedOne: "Only where the hair was. Every other part is the photo's own.",
    changedNothing: "Nothing: at 0% this is the photo as it was.",
    withFace: "Face {n}: {text}",
    metadata: "Place, date and camera are left out of what you download.",
    warnings: {
      already_bald: "this head is already bald, so it was left as it is.",
      hat_kept: "a hat or scarf covers hair. It stays; only the hair beside it goes.",
      hair_leaves_picture: "the hair goes beyond the picture's edge. Have a look there.",
      long_hair: "long hair was removed. Neck and shoulders behind it are a guess.",
      small_face: "the face is small in this photo, so the result is a little coarse.",
      face_skipped: "this face is too small to work on.",
      first_frame: "The photo is animated; only its first frame is used.",
      earlier_edit: "The photo already carries the mark of an edit by a trained model.",
      dropped: "The new file cannot keep everything of the old one.",
    },
    errors: {
      no_face: "There is no face to be found here. Try a photo where the face is larger or turned to the camera.",
      face_too_small: "The face is too small. Use a larger version of the photo.",
      wrong_type: "That is not a photo this can read. Use a JPEG, PNG, WebP or AVIF.",
      unreadable_input: "This photo is damaged and cannot be opened.",
      truncated_input: "This photo is cut off; its end is missing. Get the whole file.",
      limit_exceeded: "This photo is too large for this server. Make it smaller first.",
      busy: "There is a lot to do right now. Try again in {seconds} seconds.",
      rate_limited: "That was a lot of photos. Try again in {seconds} seconds.",
      timed_out: "That took too long. Try a smaller photo.",
      too_slow: "The connection is too slow for this photo.",
      draining: "The server is just being stopped. Try again in a moment.",
      model_missing: "This installation is incomplete: a network is missing. Reinstall tonsure.",
      model_damaged: "This installation is damaged. Reinstall tonsure.",
      offline: "The server does not answer. Is it still running?",
      internal: "Something went wrong on the server, not with your photo.",
      no_camera: "There is no camera here, or it may not be used.",
    },
  },
  zh: {
    title: "你光头是什么样？",
    lead: "放一张照片进来，看头发一点点退去，退多少由你定。照片的其他部分原样不动。",
    choose: "选一张照片", camera: "用摄像头拍", example: "先拿这张试试",
    hint: "也可以把照片拖到这里，或者直接粘贴。支持 JPEG、PNG、WebP、AVIF。",
    promise: "照片只在这台机器上处理，不会留存。",
    promiseRemote: "照片只发送给 {host}，处理完立刻丢弃。",
    edited: "你的照片", before: "之前", after: "之后", working: "正在找人脸……",
    degree: "秃到什么程度", percent: "{n}%", style: "头发怎么掉", recede: "发际线后退", thin: "慢慢变稀",
    faces: "给谁", face: "第 {n} 张脸", all: "全部", everyone: "所有人", tooSmall: "{face}，太小了",
    play: "播放", pause: "暂停", compare: "对比", divider: "前后对比的分界线",
    noted: "改了哪里", download: "下载", another: "换一张",
    gif: "下载 GIF 动图", webp: "下载 WebP 动图",
    drop: "松手就行", snap: "拍照", cancel: "取消", close: "关闭",
    asking: "这台服务器需要口令", token: "口令", go: "继续",
    marked: "生成的照片会在元数据里注明：经训练过的模型编辑。", docs: "程序接口",
    theme: "浅色或深色", picture: "{who}，秃了 {n}%", pictureAs: "原来的照片",
    opened: "找到{count}。拖动滑块调整程度。", oneFace: "一张脸", manyFaces: " {n} 张脸",
    saved: "已保存为 {name}。", making: "正在生成文件……", fullSize: "{w} × {h} {format}",
    changedOne: "只动了有头发的地方，其余部分都是原来的照片。",
    changedNothing: "什么也没改：0% 就是原来的照片。",
    withFace: "第 {n} 张脸：{text}",
    metadata: "下载的照片不带拍摄地点、时间和相机信息。",
    warnings: {
      already_bald: "本来就是光头，没有改动。",
      hat_kept: "帽子或头巾会保留，只去掉露在外面的头发。",
      hair_leaves_picture: "头发超出了画面，请留意照片边缘。",
      long_hair: "去掉了长发，原先被挡住的脖子和肩膀是推测出来的。",
      small_face: "脸在照片里偏小，效果会粗一些。",
      face_skipped: "这张脸太小，没法处理。",
      first_frame: "这是动图，只用了第一帧。",
      earlier_edit: "这张照片已有标记：之前被训练过的模型编辑过。",
      dropped: "新文件无法保留原文件的全部信息。",
    },
    errors: {
      no_face: "没找到人脸。换一张脸大一点、正对镜头的照片试试。",
      face_too_small: "脸太小了，请用更大的原图。",
      wrong_type: "读不了这种文件，请用 JPEG、PNG、WebP 或 AVIF 照片。",
      unreadable_input: "照片已损坏，打不开。",
      truncated_input: "照片不完整，缺了末尾，请重新获取原文件。",
      limit_exceeded: "照片太大，超出了服务器的限制，请先缩小。",
      busy: "现在有点忙，请过 {seconds} 秒再试。",
      rate_limited: "照片发得太快了，请过 {seconds} 秒再试。",
      timed_out: "处理超时，换一张小一点的照片试试。",
      too_slow: "网速太慢，照片没能传完。",
      draining: "服务器正在关闭，请稍后再试。",
      model_missing: "安装不完整：缺少模型文件，请重新安装 tonsure。",
      model_damaged: "安装已损坏，请重新安装 tonsure。",
      offline: "服务器没有回应，它还在运行吗？",
      internal: "服务器出了问题，不是照片的原因。",
      no_camera: "没有摄像头，或者没有使用权限。",
    },
  },
};

const $ = (id) => document.getElementById(id);
const at = { degree: $("degree"), shown: $("shown"), picture: $("picture"), divider: $("divider") };
const pen = at.picture.getContext("2d");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const SIZE = 1280;

let language = "en";
let photo = null; // what is open: file, name, told (the server's answer), preview, heads by face
let opening = null; // the AbortController of the request that opens one
let playing = 0; // when the animation began, 0 if it stands
let token = sessionStorage.getItem("token") || "";

// ---- words

const say = (key, values = {}) => {
  let text = key.split(".").reduce((found, part) => found && found[part], TEXTS[language]);
  for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, value);
  return text;
};

function speak(to) {
  language = to;
  document.documentElement.lang = to === "zh" ? "zh-Hans" : "en";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    node.title = say(node.dataset.label);
  }
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  $("promise").textContent = here ? say("promise") : say("promiseRemote", { host: location.host });
  $("language").textContent = to === "zh" ? "English" : "中文";
  $("language").lang = to === "zh" ? "en" : "zh";
  document.title = `tonsure · ${say("title")}`;
  if (photo) {
    showFaces();
    tell();
    draw();
  }
}

function announce(text) {
  $("status").textContent = text;
}

function complain(code, seconds = 5) {
  const known = TEXTS[language].errors[code] ? code : "internal";
  $("trouble").querySelector("p").textContent = say(`errors.${known}`, { seconds });
  $("trouble").dataset.code = code;
  $("trouble").hidden = false;
}

// ---- the server

class Problem extends Error {
  constructor(code, seconds) {
    super(code);
    this.code = code;
    this.seconds = seconds;
  }
}

async function send(path, fields, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  let response;
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    response = await fetch(path, { method: "POST", body: form, headers, signal });
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

// ---- opening

async function open(file) {
  if (!file) return;
  opening?.abort();
  opening = new AbortController();
  const { signal } = opening;
  stop();
  $("trouble").hidden = true;
  $("start").hidden = true;
  $("editor").hidden = false;
  document.body.dataset.state = "working";
  busy(true);
  await peek(file, signal);
  try {
    const told = await (await send("v1/layers", { image: file, face: "largest", size: SIZE }, signal)).json();
    const preview = await load(told.preview.picture);
    if (signal.aborted) return;
    const who = String(told.chosen[0] || 1);
    const made = { file, name: file.name || "photo", told, preview, heads: new Map(), notes: new Map(), who };
    await keep(told, made);
    if (signal.aborted) return;
    photo = made;
    at.degree.value = calm.matches ? "1" : "0";
    $("kind").textContent = say("fullSize", {
      w: told.photo.width, h: told.photo.height, format: told.photo.format === "HEIF" ? "JPEG" : told.photo.format,
    });
    resume();
    const count = told.faces.length === 1 ? say("oneFace") : say("manyFaces", { n: told.faces.length });
    announce(say("opened", { count }));
    busy(false);
    at.degree.focus({ preventScroll: true });
    if (!calm.matches) reveal();
    tell();
  } catch (error) {
    if (signal.aborted) return;
    if (photo) resume();
    else back();
    complain(error.code || "internal", error.seconds);
  } finally {
    if (!signal.aborted) busy(false);
  }
}

async function peek(file, signal) {
  // the photo itself, while the server works; it may be of a kind that only the server can read
  try {
    const bitmap = await createImageBitmap(file);
    if (signal.aborted) return;
    const scale = Math.min(1, SIZE / Math.max(bitmap.width, bitmap.height));
    fit(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
    pen.drawImage(bitmap, 0, 0, at.picture.width, at.picture.height);
    bitmap.close();
  } catch {
    fit(640, 480);
  }
  $("boxes").replaceChildren();
}

function resume() {
  // show the photo that is open
  fit(photo.told.preview.width, photo.told.preview.height);
  document.body.dataset.state = "ready";
  showFaces();
  draw();
}

function fit(width, height) {
  // as large as there is room, small photos up to twice their size
  Object.assign(at.picture, { width, height });
  $("frame").style.setProperty("--ratio", String(width / height));
  $("frame").style.setProperty("--wide", `${2 * width}px`);
}

function busy(on) {
  $("working").hidden = !on;
  $("panel").inert = on;
  if (on) announce(say("working"));
}

function back() {
  opening?.abort();
  stop();
  photo = null;
  $("editor").hidden = true;
  $("start").hidden = false;
  document.body.dataset.state = "start";
  $("choose").focus();
}

function load(address) {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}

async function keep(told, into) {
  // heads of faces, each as its colours and three planes: mask, time of receding, time of thinning
  for (const head of told.heads) {
    const packed = Uint8Array.from(atob(head.planes), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const [x0, y0, x1, y1] = head.box;
    const [width, height] = [x1 - x0, y1 - y0];
    const canvas = new OffscreenCanvas(width, height);
    into.heads.set(head.face, {
      x: x0, y: y0, width, height, canvas, pen: canvas.getContext("2d"),
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

// ---- blending, as tonsure's own `degree.weight` does it

const SOFT = { recede: 0.14, thin: 0.3 };

function table(degree, style) {
  const soft = SOFT[style];
  return Uint8Array.from({ length: 256 }, (_, k) => {
    const s = Math.min(1, Math.max(0, (degree * (1 + soft) - k / 255) / soft));
    return Math.round(s * s * (3 - 2 * s) * 255);
  });
}

function lay(head, degree, style) {
  const alpha = head.weights.data;
  const { mask } = head;
  if (degree >= 1) {
    for (let k = 0, a = 3; k < mask.length; k += 1, a += 4) alpha[a] = mask[k];
  } else {
    const gone = table(degree, style);
    const time = head[style];
    for (let k = 0, a = 3; k < mask.length; k += 1, a += 4) alpha[a] = (mask[k] * gone[time[k]] + 127) / 255;
  }
  head.pen.globalCompositeOperation = "source-over";
  head.pen.putImageData(head.weights, 0, 0);
  head.pen.globalCompositeOperation = "source-in";
  head.pen.drawImage(head.colour, 0, 0, head.width, head.height);
  pen.drawImage(head.canvas, head.x, head.y);
}

const chosenFaces = () => (photo.who === "all"
  ? photo.told.faces.filter((face) => face.usable).map((face) => face.number) : [Number(photo.who)]);
const style = () => document.querySelector("input[name=style]:checked").value;

function draw() {
  if (!photo) return;
  const degree = Number(at.degree.value);
  const { width, height } = at.picture;
  pen.drawImage(photo.preview, 0, 0, width, height);
  if (degree > 0) {
    for (const number of chosenFaces()) {
      const head = photo.heads.get(number);
      if (head) lay(head, degree, style());
    }
    if (!$("compare").hidden) {
      const cut = (Number(at.divider.value) / 100) * width;
      pen.save();
      pen.beginPath();
      pen.rect(0, 0, cut, height);
      pen.clip();
      pen.drawImage(photo.preview, 0, 0, width, height);
      pen.restore();
    }
  }
  const percent = Math.round(degree * 100);
  at.shown.value = say("percent", { n: percent });
  at.degree.setAttribute("aria-valuetext", say("percent", { n: percent }));
  const who = photo.who === "all" ? say("everyone") : say("face", { n: photo.who });
  at.picture.setAttribute("aria-label", percent ? say("picture", { who, n: percent }) : say("pictureAs"));
}

// ---- the animation

function pose(share) {
  at.degree.value = String(Math.min(1, Math.max(0, share)));
  draw();
}

function reveal() {
  const began = performance.now();
  playing = began;
  const tick = (now) => {
    if (playing !== began) return;
    const share = Math.min(1, Math.max(0, (now - began - 250) / 1500));
    pose(1 - (1 - share) ** 2);
    if (share < 1) requestAnimationFrame(tick);
    else {
      playing = 0;
      tell();
    }
  };
  requestAnimationFrame(tick);
}

function play() {
  if ($("play").getAttribute("aria-pressed") === "true") {
    stop();
    return;
  }
  const began = performance.now();
  playing = began;
  $("play").setAttribute("aria-pressed", "true");
  $("play").querySelector("span").textContent = say("pause");
  const start = Math.acos(1 - 2 * Number(at.degree.value)) / Math.PI / 2;
  const tick = (now) => {
    if (playing !== began) return;
    pose(0.5 - 0.6 * Math.cos(2 * Math.PI * ((now - began) / 5000 + start)));
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function stop() {
  playing = 0;
  $("play").setAttribute("aria-pressed", "false");
  $("play").querySelector("span").textContent = say("play");
}

// ---- faces

function showFaces() {
  const { faces, photo: whole, preview } = photo.told;
  const usable = faces.filter((face) => face.usable);
  const scale = preview.width / whole.width;
  const people = faces.map((face) => person(String(face.number), say("face", { n: face.number }), face, scale));
  if (usable.length > 1) people.push(person("all", say("everyone"), null, scale));
  $("faces").querySelector(".people").replaceChildren(...people);
  $("faces").hidden = faces.length < 2;
  $("boxes").dataset.alone = String(faces.length < 2);
  $("boxes").replaceChildren(...faces.map((face) => box(face, whole)));
  if (faces.length < 2) {
    $("boxes").dataset.shown = "true";
    setTimeout(() => { $("boxes").dataset.shown = "false"; }, 2200);
  }
  mark();
}

function person(value, name, face, scale) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "face", value });
  const round = document.createElement("span");
  const usable = !face || face.usable;
  input.disabled = !usable;
  input.checked = photo.who === value;
  input.setAttribute("aria-label", usable ? name : say("tooSmall", { face: name }));
  label.title = usable ? name : say("tooSmall", { face: name });
  input.addEventListener("change", () => pick(value));
  if (face) {
    const [x0, y0, x1, y1] = face.box.map((side) => side * scale);
    const side = Math.max(x1 - x0, y1 - y0) * 1.7;
    const canvas = Object.assign(document.createElement("canvas"), { width: 116, height: 116 });
    canvas.getContext("2d").drawImage(photo.preview, (x0 + x1 - side) / 2, (y0 + y1 - side * 1.15) / 2, side, side, 0, 0, 116, 116);
    round.append(canvas);
  } else {
    label.className = "all";
    round.textContent = say("all");
  }
  label.append(input, round);
  return label;
}

function box(face, whole) {
  const button = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1, disabled: !face.usable });
  const [x0, y0, x1, y1] = face.box;
  const share = (value, all) => `${(100 * value) / all}%`;
  Object.assign(button.style, {
    left: share(x0, whole.width), top: share(y0, whole.height),
    width: share(x1 - x0, whole.width), height: share(y1 - y0, whole.height),
  });
  button.dataset.face = String(face.number);
  const label = document.createElement("span");
  label.textContent = String(face.number);
  button.append(label);
  button.addEventListener("click", () => pick(String(face.number)));
  return button;
}

function mark() {
  const chosen = chosenFaces().map(String);
  for (const button of $("boxes").children) button.dataset.on = String(chosen.includes(button.dataset.face));
  for (const input of document.querySelectorAll("input[name=face]")) input.checked = input.value === photo.who;
}

async function pick(who) {
  const mine = photo;
  photo.who = who;
  mark();
  const missing = chosenFaces().filter((number) => !photo.notes.has(number));
  if (missing.length) {
    busy(true);
    try {
      const wanted = who === "all" ? "all" : who;
      const told = await (await send("v1/layers", { image: photo.file, face: wanted, size: SIZE })).json();
      if (photo !== mine) return;
      await keep(told, mine);
    } catch (error) {
      if (photo === mine) {
        photo.who = String(photo.told.chosen[0]);
        mark();
        complain(error.code || "internal", error.seconds);
      }
    } finally {
      busy(false);
    }
  }
  if (photo !== mine) return;
  if (Number(at.degree.value) === 0) at.degree.value = "1";
  tell();
  draw();
  document.querySelector("input[name=face]:checked")?.focus({ preventScroll: true });
}

// ---- what there is to know

function tell() {
  if (!photo) return;
  const chosen = chosenFaces();
  const lines = [];
  const add = (text, warned) => lines.push(Object.assign(document.createElement("li"), { textContent: text, className: warned ? "warned" : "" }));
  const changed = chosen.some((number) => photo.heads.has(number));
  if (Number(at.degree.value) === 0 && !playing) add(say("changedNothing"));
  else if (changed) add(say("changedOne"));
  for (const number of chosen) {
    for (const note of photo.notes.get(number) || []) {
      const text = say(`warnings.${note.code}`) || note.text;
      const many = photo.told.faces.length > 1;
      add(many ? say("withFace", { n: number, text }) : text[0].toUpperCase() + text.slice(1), true);
    }
  }
  for (const note of photo.general) add(say(`warnings.${note.code}`) || note.text, true);
  add(say("metadata"));
  $("notes").querySelector("ul").replaceChildren(...lines);
}

// ---- saving

async function save(button, path, fields, ending) {
  if (!photo || button.disabled) return;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  announce(say("making"));
  try {
    const response = await send(path, { image: photo.file, style: style(), face: photo.who, ...fields });
    const blob = await response.blob();
    const kind = (response.headers.get("Content-Type") || "").split("/")[1];
    const name = `${photo.name.replace(/\.[^.]*$/, "")}.${ending}.${kind === "jpeg" ? "jpg" : kind}`;
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    announce(say("saved", { name }));
  } catch (error) {
    complain(error.code || "internal", error.seconds);
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

const wanted = () => ({ edits: JSON.stringify({ bald: Number(at.degree.value) }) });
$("download").addEventListener("click", () => save($("download"), "v1/edit", wanted(), "bald"));
for (const kind of ["gif", "webp"]) {
  $(kind).addEventListener("click", () => save($(kind), "v1/sequence", { kind, steps: 21 }, "bald"));
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

at.degree.addEventListener("input", () => { stop(); draw(); });
at.degree.addEventListener("change", tell);
at.divider.addEventListener("input", () => {
  $("compare").style.setProperty("--at", `${at.divider.value}%`);
  draw();
});
for (const input of document.querySelectorAll("input[name=style]")) {
  input.addEventListener("change", () => {
    if (photo && !playing && Number(at.degree.value) === 1) at.degree.value = "0.6"; // at 1 both are the same
    draw();
    tell();
  });
}
$("play").addEventListener("click", play);
$("comparing").addEventListener("click", () => {
  const on = $("compare").hidden;
  $("compare").hidden = !on;
  $("comparing").setAttribute("aria-pressed", String(on));
  draw();
});
$("choose").addEventListener("click", () => $("file").click());
$("another").addEventListener("click", back);
$("file").addEventListener("change", () => {
  open($("file").files[0]);
  $("file").value = "";
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
  open(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files || [])][0];
  if (file) open(file);
});

$("language").addEventListener("click", () => {
  speak(language === "zh" ? "en" : "zh");
  localStorage.setItem("language", language);
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
