// All words of the page, in English and in Chinese.

export const TEXTS = {
  en: {
    title: "How would you look bald?",
    lead: "Give it a photo and watch the hair go, as little or as much as you like. The rest of the picture stays as it is.",
    choose: "Choose a photo", camera: "Use the camera", example: "Try it with this one",
    hint: "Or drop one anywhere here, or paste it. JPEG, PNG, WebP, AVIF; or a short film.",
    clip: "Your film", makeClip: "Make it bald", clipLimit: "The largest face is followed. At most {n} seconds.",
    clipTooLong: "This film has {m} seconds; {n} are the limit here. Cut it first.",
    clipDone: "Done: {n} frames.",
    promise: "Your photo stays on this machine. Nothing is kept.",
    promiseRemote: "Your photo goes to {host} only, and is forgotten there at once.",
    edited: "Your photo", before: "Before", after: "After",
    steps: {
      sending: "Sending the photo… {n}%", waiting: "Waiting for its turn…", reading: "Reading the photo…",
      faces: "Looking for faces…", head: "Taking the hair off…", heads: "Taking the hair off, head {n} of {of}…",
      readingFilm: "Reading the film…", frames: "Frame {n} of {of}…",
      making: "Making the file…", loading: "Fetching the photo in full size…",
    },
    degree: "How bald", percent: "{n}%", style: "How hair goes", recede: "Receding", thin: "Thinning",
    faces: "Who", face: "Face {n}", all: "All", everyone: "Everyone", tooSmall: "{face}, too small",
    play: "Play", pause: "Pause", compare: "Compare", divider: "Divider between before and after",
    noted: "What changed", download: "Download", another: "Another photo", shareIt: "Share", copy: "Copy",
    copied: "Copied. Paste it anywhere.", pair: "Before and after", format: "Format", asPhoto: "As the photo",
    actual: "1:1", actualLabel: "The photo pixel by pixel; drag to look around", showBefore: "Before",
    several: "Only the first of {n} files was opened.", replacing: "Put the new photo in place of this one?",
    replace: "Replace it", keep: "Keep this one", stopped: "Stopped.",
    gif: "Download the animation as GIF", webp: "Download the animation as WebP",
    drop: "Drop it", snap: "Take the photo", cancel: "Cancel", close: "Close",
    asking: "This server asks for its token", token: "Token", go: "Go on",
    marked: "Results are marked in their metadata as edited by a trained model.", docs: "For programs",
    theme: "Light or dark", separator: ", ", picture: "{who}, {n}% bald", pictureAs: "the photo as it was",
    opened: "{count} found. The slider sets how bald.", oneFace: "One face", manyFaces: "{n} faces",
    saved: "Saved as {name}.", fullSize: "{w} × {h} {format}",
    noShare: "This could not be handed on. Download it instead.", changedOne: "Only where the hair was. Every other part is the photo's own.",
    changedNothing: "Nothing: at 0% this is the photo as it was.",
    withFace: "Face {n}: {text}",
    more: "More changes", experimental: "experimental: {n} of {of} believable",
    changedMore: "What you moved, and only there. Every other part is the photo's own.",
    attributes: {
      Bangs: "Fringe", Black_Hair: "Black hair", Blond_Hair: "Blond hair", Brown_Hair: "Brown hair",
      Bushy_Eyebrows: "Bushy brows", Eyeglasses: "Glasses", Male: "Male", Mouth_Slightly_Open: "Mouth open",
      Mustache: "Moustache", No_Beard: "No beard", Pale_Skin: "Pale skin", Young: "Young",
    },
    metadata: "Place, date and camera are left out of what you download.",
    warnings: {
      already_bald: "this head is already bald, so it was left as it is.",
      hat_kept: "a hat or scarf covers hair. It stays; only the hair beside it goes.",
      hair_leaves_picture: "the hair goes beyond the picture's edge. Have a look there.",
      cut_off: "the file is cut off; its picture is whole.",
      long_hair: "long hair was removed. Neck and shoulders behind it are a guess.",
      small_face: "the face is small in this photo, so the result is a little coarse.",
      face_skipped: "this face is too small to work on.",
      first_frame: "The photo is animated; only its first frame is used.",
      earlier_edit: "The photo already carries the mark of an edit by a trained model.",
      experimental: "this change is experimental.",
      nothing_to_do: "there was nothing to change for one of the sliders.",
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
      no_room: "The server has no memory left right now. Try again in {seconds} seconds, or use a smaller photo.",
      model_missing: "This installation is incomplete: a network is missing. Reinstall tonsure.",
      model_damaged: "This installation is damaged. Reinstall tonsure.",
      offline: "The server does not answer. Is it still running?",
      internal: "Something went wrong on the server, not with your photo.",
      no_camera: "There is no camera here, or it may not be used.",
      no_films: "No films are made here, only photos.",
    },
    filmErrors: {
      no_face: "There is no face to be found in this film. Try one where the face is larger or turned to the camera.",
      wrong_type: "That is not a film this can read. Use MP4, MOV or WebM.",
      limit_exceeded: "This film is too long or too large for this server. Make it shorter or smaller first.",
      timed_out: "That took too long. Try a shorter or smaller film.",
    },
  },
  zh: {
    title: "你光头是什么样？",
    lead: "放一张照片进来，看头发一点点退去，退多少由你定。照片的其他部分原样不动。",
    choose: "选一张照片", camera: "用摄像头拍", example: "先拿这张试试",
    hint: "也可以把照片拖到这里，或者直接粘贴。支持 JPEG、PNG、WebP、AVIF，也可以是一小段视频。",
    clip: "你的视频", makeClip: "变光头", clipLimit: "会跟着最大的那张脸。最长 {n} 秒。",
    clipTooLong: "这段视频有 {m} 秒，这里最长 {n} 秒，请先剪短。",
    clipDone: "完成，共 {n} 帧。",
    promise: "照片只在这台机器上处理，不会留存。",
    promiseRemote: "照片只发送给 {host}，处理完立刻丢弃。",
    edited: "你的照片", before: "之前", after: "之后",
    steps: {
      sending: "正在发送照片…… {n}%", waiting: "正在排队……", reading: "正在读取照片……",
      faces: "正在找人脸……", head: "正在去掉头发……", heads: "正在去掉头发：第 {n} 个，共 {of} 个……",
      readingFilm: "正在读取视频……", frames: "第 {n} 帧，共 {of} 帧……",
      making: "正在生成文件……", loading: "正在取原尺寸照片……",
    },
    degree: "秃到什么程度", percent: "{n}%", style: "头发怎么掉", recede: "发际线后移", thin: "慢慢变稀",
    faces: "给谁", face: "第 {n} 张脸", all: "全部", everyone: "所有人", tooSmall: "{face}，太小了",
    play: "播放", pause: "暂停", compare: "对比", divider: "前后对比的分界线",
    noted: "改了哪里", download: "下载", another: "换一张", shareIt: "分享", copy: "复制",
    copied: "已复制，可以直接粘贴。", pair: "前后对比图", format: "格式", asPhoto: "与原照片相同",
    actual: "1:1", actualLabel: "原尺寸照片，拖动可查看各处", showBefore: "之前",
    several: "一共 {n} 个文件，只打开了第一个。", replacing: "用新照片替换现在这张吗？",
    replace: "替换", keep: "保留这张", stopped: "已停止。",
    gif: "下载 GIF 动图", webp: "下载 WebP 动图",
    drop: "松手就行", snap: "拍照", cancel: "取消", close: "关闭",
    asking: "这台服务器需要口令", token: "口令", go: "继续",
    marked: "生成的照片会在元数据里注明：经训练过的模型编辑。", docs: "程序接口",
    theme: "浅色或深色", separator: "；", picture: "{who}，秃了 {n}%", pictureAs: "原来的照片",
    opened: "找到{count}。拖动滑块调整程度。", oneFace: "一张脸", manyFaces: " {n} 张脸",
    saved: "已保存为 {name}。", fullSize: "{w} × {h} {format}",
    noShare: "没能分享出去，请改用下载。", changedOne: "只动了有头发的地方，其余部分都是原来的照片。",
    changedNothing: "什么也没改：0% 就是原来的照片。",
    withFace: "第 {n} 张脸：{text}",
    more: "更多修改", experimental: "试验中：{of} 人里 {n} 人看着自然",
    changedMore: "只改了你调的地方，其余部分都是原来的照片。",
    attributes: {
      Bangs: "刘海", Black_Hair: "黑发", Blond_Hair: "金发", Brown_Hair: "棕发",
      Bushy_Eyebrows: "浓眉", Eyeglasses: "眼镜", Male: "男性", Mouth_Slightly_Open: "张嘴",
      Mustache: "小胡子", No_Beard: "没有胡须", Pale_Skin: "白皙", Young: "年轻",
    },
    metadata: "下载的照片不带拍摄地点、时间和相机信息。",
    warnings: {
      already_bald: "本来就是光头，没有改动。",
      hat_kept: "帽子或头巾会保留，只去掉露在外面的头发。",
      hair_leaves_picture: "头发超出了画面，请留意照片边缘。",
      cut_off: "文件不完整，但画面完整。",
      long_hair: "去掉了长发，原先被挡住的脖子和肩膀是推测出来的。",
      small_face: "脸在照片里偏小，效果会粗一些。",
      face_skipped: "这张脸太小，没法处理。",
      first_frame: "这是动图，只用了第一帧。",
      earlier_edit: "这张照片已有标记：之前被训练过的模型编辑过。",
      experimental: "这项修改还在试验中。",
      nothing_to_do: "有一项没有可改的地方。",
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
      no_room: "服务器内存暂时不足，请过 {seconds} 秒再试，或换一张小一点的照片。",
      model_missing: "安装不完整：缺少模型文件，请重新安装 tonsure。",
      model_damaged: "安装已损坏，请重新安装 tonsure。",
      offline: "服务器没有回应，它还在运行吗？",
      internal: "服务器出了问题，不是照片的原因。",
      no_camera: "没有摄像头，或者没有使用权限。",
      no_films: "这里不处理视频，只处理照片。",
    },
    filmErrors: {
      no_face: "视频里没找到人脸。换一段脸大一点、正对镜头的试试。",
      wrong_type: "读不了这种文件，请用 MP4、MOV 或 WebM 视频。",
      limit_exceeded: "视频太长或画面太大，超出了服务器的限制，请先剪短或缩小。",
      timed_out: "处理超时，换一段短一点或小一点的视频试试。",
    },
  },
};

let language = "en";

export const spoken = () => language;

export function say(key, values = {}) {
  let text = key.split(".").reduce((found, part) => found && found[part], TEXTS[language]);
  if (text) for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, value);
  return text;
}

export function speak(to) {
  // put the page into a language
  language = to === "zh" ? "zh" : "en";
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    node.title = say(node.dataset.label);
  }
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const promise = here ? say("promise") : say("promiseRemote", { host: location.host });
  document.getElementById("promise").textContent = promise;
  const other = document.getElementById("language");
  other.textContent = language === "zh" ? "English" : "中文";
  other.lang = language === "zh" ? "en" : "zh";
  document.title = `tonsure · ${say("title")}`;
}

// ---- what is said to people: quietly, or as an alarm

export function announce(text) {
  document.getElementById("status").textContent = text;
}

export function complain(code, seconds = 5) {
  const known = TEXTS[language].errors[code] ? code : "internal";
  warn(say(`errors.${known}`, { seconds }), code);
}

export function warn(text, code = "") {
  const box = document.getElementById("trouble");
  box.querySelector("p").textContent = text;
  box.dataset.code = code;
  box.hidden = false;
}
