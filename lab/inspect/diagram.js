// The sequence diagram: who sends what to whom, and the keys and clicks that step through it. Whatever a peer said is set as text.
"use strict";
const MOST_CHARACTERS = 300; // of a text, until all of it is asked for
const WINDOW = 400; // rows that are in the page at a time, so that a trace of 100,000 frames opens as fast as a short one
const NAMES = { client: "Alice", attacker: "Mallory", server: "Bob" };
const HIDDEN = ["keys", "schedule"]; // what only the two sides know
const VISIBLE = ["started", "ended", "failed"]; // the beginning and the end of a connection
const data = JSON.parse(document.getElementById("data").textContent);
const { frames, talks, strings } = data;
const attacked = talks.some(talk => talk.attacked);
const recorder = attacked ? "attacker" : talks.some(talk => talk.role === "server") ? "server" : "client";
const state = { at: 0, eve: false, first: 0, sought: "" };

const find = id => document.getElementById(id);
const make = (tag, className = "", text = undefined) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
const seconds = time => `${time.toFixed(3)} s`;

// -- what a frame is -----------------------------------------------------------------------------------------------------------

const talkOf = frame => talks[frame.talk];
const ends = frame => { // from whom to whom
  const talk = talkOf(frame);
  const us = attacked ? "attacker" : talk.role === "server" ? "server" : "client";
  const them = attacked ? (talk.attacked || "server") : us === "client" ? "server" : "client";
  return frame.way === "out" ? [us, them] : [them, us];
};
const sealed = frame => !frame.open && frame.layers.some(layer => layer.layer === "messages");
const size = frame => frame.layers[frame.layers.length - 1].length;
const hidden = frame => // by Eve's view: keys, and what one side tells itself
  state.eve && (HIDDEN.includes(frame.layers[0].layer) || (!frame.way && !VISIBLE.includes(frame.name)));
const shownLayers = frame => frame.layers.filter(layer => !(state.eve && sealed(frame) && layer.layer === "messages"));
const nameOf = frame => state.eve && sealed(frame) ? "sealed" : frame.name;
const wordsOf = frame => state.eve && sealed(frame) ? "" : frame.text;

// -- the diagram ---------------------------------------------------------------------------------------------------------------

const label = frame => { // the words, where there are any that this view shows, or what the frame is
  const line = make("span", "label");
  if (talks.length > 1 && !attacked && talkOf(frame).group) line.append(make("small", "", `${talkOf(frame).group}  `));
  const words = wordsOf(frame);
  line.append(words ? make("b", frame.open || attacked ? "open" : "sealed", `“${words.slice(0, MOST_CHARACTERS)}”`) : make("b", "", nameOf(frame)));
  return line;
};

const arrow = frame => {
  const lanes = attacked ? ["client", "attacker", "server"] : ["client", "server"];
  const [from, to] = ends(frame).map(end => lanes.indexOf(end));
  const element = make("span", `arrow ${from < to ? "right" : "left"}`);
  element.style.gridColumn = String(Math.min(from, to) + 1);
  element.append(label(frame), make("span", "shaft"));
  return element;
};

const note = frame => {
  const told = state.eve || HIDDEN.includes(frame.layers[0].layer) ? "" : frame.text;
  const element = make("span", `note ${attacked && !talkOf(frame).attacked ? "attacker" : ""}`);
  const where = attacked && talkOf(frame).attacked ? talkOf(frame).group : "";
  element.append(make("span", "", [where, frame.name, told].filter(Boolean).join(": ")));
  return element;
};

const row = number => {
  const frame = frames[number], element = make("button", "row"), lanes = make("span", "lanes");
  lanes.append(frame.way ? arrow(frame) : note(frame));
  const time = make("span", "time", seconds(frame.time));
  if (frame.way) time.append(make("small", "", count(size(frame), "byte")));
  element.append(time, lanes);
  element.type = "button";
  element.setAttribute("role", "option");
  element.dataset.number = number;
  return element;
};

const further = (text, to) => { // a button to the rows that are not in the page
  const element = make("button", "further", text);
  element.type = "button";
  element.addEventListener("click", () => go(to));
  return element;
};

const drawRows = () => {
  state.first = Math.max(0, Math.min(state.at - WINDOW / 2, frames.length - WINDOW));
  const last = Math.min(frames.length, state.first + WINDOW), rows = [];
  if (state.first) rows.push(further(`${count(state.first, "frame")} before these`, state.first - 1));
  for (let number = state.first; number < last; number++) if (!hidden(frames[number])) rows.push(row(number));
  if (last < frames.length) rows.push(further(`${count(frames.length - last, "frame")} after these`, last));
  if (find("rows").contains(document.activeElement)) find("rows").focus(); // until `mark` gives it to the chosen row
  find("rows").replaceChildren(...rows);
};

const mark = () => { // the chosen row
  const focused = find("rows").contains(document.activeElement);
  for (const element of find("rows").querySelectorAll(".row")) {
    const chosen = Number(element.dataset.number) === state.at;
    element.setAttribute("aria-selected", String(chosen));
    element.tabIndex = chosen ? 0 : -1;
    if (chosen) {
      element.scrollIntoView({ block: "nearest" });
      if (focused) element.focus({ preventScroll: true });
    }
  }
};

// -- stepping ------------------------------------------------------------------------------------------------------------------

const go = number => {
  if (!frames.length) return;
  state.at = Math.max(0, Math.min(number, frames.length - 1));
  if (state.at < state.first || state.at >= state.first + WINDOW) drawRows();
  mark();
  find("place").textContent = `${(state.at + 1).toLocaleString("en")} of ${frames.length.toLocaleString("en")}`;
  find("message").textContent = "";
  find("detail").replaceChildren(...detail(frames[state.at]));
  find("detail").scrollTop = 0;
};

const step = by => { // to the next frame that this view shows
  const direction = Math.sign(by);
  let at = state.at, last = state.at;
  while (by && frames[at + direction]) {
    at += direction;
    if (!hidden(frames[at])) { last = at; by -= direction; }
  }
  go(last);
};

const look = eve => { // switch the view
  state.eve = eve;
  find("view").querySelector(`[value=${eve ? "eve" : "own"}]`).checked = true;
  if (frames.length && hidden(frames[state.at])) {
    let at = state.at;
    while (at > 0 && hidden(frames[at])) at--;
    state.at = at;
  }
  drawRows();
  go(state.at);
  find("stack").replaceChildren(...about());
};

const textsOf = frame => {
  const layers = hidden(frame) ? [] : shownLayers(frame);
  const parts = layers.flatMap(layer => layer.spans.map(([name, , , value]) => `${strings[name]} ${value}`));
  return [nameOf(frame), wordsOf(frame), ...parts, ...layers.map(layer => bytesOf(frame, layer))].join("\n").toLowerCase();
};

const search = () => {
  const sought = state.sought.toLowerCase();
  for (let by = 1; sought && by <= frames.length; by++) {
    const number = (state.at + by) % frames.length;
    if (textsOf(frames[number]).includes(sought)) { go(number); return; }
  }
  if (sought) find("message").textContent = `“${state.sought}” is in no frame.`;
};

const KEYS = {
  ArrowLeft: () => step(-1), ArrowRight: () => step(1), k: () => step(-1), j: () => step(1),
  ArrowUp: () => step(-1), ArrowDown: () => step(1), PageUp: () => step(-10), PageDown: () => step(10),
  Home: () => step(-frames.length), End: () => step(frames.length),
  e: () => look(!state.eve), n: search, "/": () => find("search").firstElementChild.focus(),
};
const SCROLLING = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(KEYS, event.key)) return;
  const target = event.target;
  if (target.type === "search" || (target.type === "radio" && event.key.startsWith("Arrow"))) return;
  if (find("detail").contains(target) && SCROLLING.includes(event.key)) return; // there they scroll
  event.preventDefault();
  KEYS[event.key]();
});
find("rows").addEventListener("click", event => {
  const chosen = event.target.closest(".row");
  if (chosen) go(Number(chosen.dataset.number));
});
find("search").addEventListener("submit", event => {
  event.preventDefault();
  state.sought = find("search").firstElementChild.value;
  find("search").firstElementChild.blur();
  search();
});
find("search").addEventListener("keydown", event => { if (event.key === "Escape") event.target.blur(); });
find("view").addEventListener("change", event => look(event.target.value === "eve"));
find("back").addEventListener("click", () => step(-1));
find("on").addEventListener("click", () => step(1));

// -- the head ------------------------------------------------------------------------------------------------------------------

const about = () => { // the stack in one line or, for Eve, what she got out of it
  if (state.eve) {
    const said = frames.filter(frame => frame.way && frame.text), read = said.filter(frame => frame.open).length;
    const passed = frames.filter(frame => frame.way), bytes = passed.reduce((sum, frame) => sum + size(frame), 0);
    return [make("b", read ? "open" : "sealed", `Eve read ${read} of ${count(said.length, "message")}`),
      ` and saw ${count(passed.length, "frame")}, ${count(bytes, "byte")}, when they passed, and between whom.`];
  }
  const plugins = talks.find(talk => talk.plugins.length)?.plugins || [];
  const from = new Set(plugins.map(([, , version]) => version));
  const shown = plugins.flatMap(([kind, name, version], at) =>
    [at ? "  ·  " : "", `${kind} `, make("b", "", name), from.size > 1 && version ? ` (${version})` : ""]);
  return from.size === 1 && [...from][0] ? [...shown, `  ·  all from ${[...from][0]}`] : shown;
};

const lane = role => {
  const element = make("span", role, NAMES[role]), talk = talks.find(one => one.peer);
  const peer = talk && !attacked && talks.length === 1 && role !== recorder ? ` ${talk.peer}` : "";
  element.append(make("small", "", `${role}${peer}${role === recorder ? ", recorded here" : ""}`));
  return element;
};

document.title = data.title;
find("title").textContent = data.title;
find("own").textContent = `${NAMES[recorder]}'s view`;
find("diagram").classList.toggle("three", attacked);
const heads = make("div");
heads.append(...(attacked ? ["client", "attacker", "server"] : ["client", "server"]).map(lane));
find("lanes").append(make("span"), heads);
