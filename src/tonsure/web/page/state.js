// What is open, and how the page looks at it: shared by all parts of the page.

export const $ = (id) => document.getElementById(id);

export const state = {
  photo: null, // file, name, told (the server's answer), preview, heads and notes by face, degrees, who
  opening: null, // the AbortController of the request that opens one
  playing: 0, // when the animation began, 0 if it stands
};

export function setPlaying(began) {
  state.playing = began;
  document.body.dataset.playing = String(began !== 0);
}

// People count from left to right; the server counts from the largest on.
export function leftToRight(faces) {
  return [...faces].sort((a, b) => a.box[0] + a.box[2] - b.box[0] - b.box[2]);
}

export const place = (number) => 1 + leftToRight(state.photo.told.faces).findIndex((face) => face.number === number);

// Numbers of the faces that the slider moves.
export function chosenFaces() {
  const { photo } = state;
  if (photo.who !== "all") return [Number(photo.who)];
  return photo.told.faces.filter((face) => face.usable).map((face) => face.number);
}

// Numbers of the faces whose hair goes, and how far.
export const baldFaces = () => [...state.photo.degrees].filter(([, degree]) => degree > 0);

export const style = () => document.querySelector("input[name=style]:checked").value;

// Changes other than baldness, as the field `edits`: {"Blond_Hair": {"1": 1}}; "" if there are none.
export function others() {
  const found = {};
  for (const [number, changes] of state.photo.more) {
    for (const [name, d] of Object.entries(changes)) if (d) (found[name] ||= {})[number] = d;
  }
  return Object.keys(found).length ? found : null;
}

export const asked = () => (others() ? JSON.stringify(others()) : "");

// What the server is asked for, as the field `edits`.
export function edits() {
  const { photo } = state;
  const more = others();
  if (more) {
    const each = Object.fromEntries(baldFaces());
    return JSON.stringify(Object.keys(each).length ? { Bald: each, ...more } : more);
  }
  if (photo.told.faces.length === 1) return JSON.stringify({ bald: photo.degrees.get(1) || 0 });
  const each = Object.fromEntries(baldFaces());
  return JSON.stringify({ bald: Object.keys(each).length ? each : 0 });
}
