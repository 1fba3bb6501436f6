// The chosen frame: for each layer a coloured map of its bytes, and what each part is, says and was made from.
const MOST_BYTES = 96, REPEATED_BYTES = 16, HUES = 8;

const TITLES = {
  messages: "Plaintext", cipher: "Ciphertext", handshake: "Handshake", framer: "Frame on the wire", keys: "Key",
  schedule: "Key schedule", transport: "Bytes", wire: "Bytes of the transport",
};

const bytesOf = (frame, layer) => { // in hexadecimal; a layer whose bytes lie within the frame's has them there
  if (layer.raw !== undefined) return layer.raw;
  const whole = frame.layers[frame.layers.length - 1];
  return whole.raw.slice(2 * layer.at, 2 * (layer.at + layer.length));
};

const clipped = (element, whole, most, text, rest) => { // the beginning, with a button that shows all of it
  if (whole <= most) { element.append(text(whole)); return element; }
  const button = make("button", "whole", `… ${rest}`);
  button.type = "button";
  button.addEventListener("click", () => element.replaceChildren(text(whole)));
  element.append(text(most), " ", button);
  return element;
};

const pairs = (raw, most) => (raw.slice(0, 2 * most).match(/../g) || []).join(" ");

const part = (raw, span, number, repeats) => { // its bytes in the map; fewer where the card above has them already
  const [name, start, size] = span;
  const element = make("span", strings[name] ? `part hue${number % HUES}` : "part nameless");
  element.dataset.number = number + 1;
  const own = raw.slice(2 * start, 2 * (start + size)), most = repeats ? REPEATED_BYTES : MOST_BYTES;
  const rest = `${count(size - most, "byte")} more${repeats ? ", as above" : ""}`;
  return clipped(element, size, most, shown => pairs(own, shown), rest);
};

const meaning = (span, number) => { // a line of the list beside the map
  const [name, start, size, value, madeOf] = span, item = make("li");
  const key = make("span", strings[name] ? `key hue${number % HUES}` : "key nameless", number + 1);
  const said = make("span", "name");
  said.append(make("b", "", strings[name] || "not described"));
  if (value) {
    const text = make("span");
    const rest = `${count(value.length - MOST_CHARACTERS, "character")} more`;
    said.append(" = ", clipped(text, value.length, MOST_CHARACTERS, most => value.slice(0, most), rest));
  }
  const from = make("span", "from");
  from.append(make("span", "where", size === 1 ? `byte ${start}` : `bytes ${start}-${start + size - 1}`));
  if (strings[madeOf]) from.append(", made from ", make("span", "made", strings[madeOf]));
  item.append(key, said, from);
  item.tabIndex = 0;
  return item;
};

const together = (map, list) => { // pointing at one of a pair marks both
  for (const [index, item] of [...list.children].entries()) {
    const both = [item, map.children[index]];
    const set = on => both.forEach(element => element.classList.toggle("on", on));
    for (const element of both) {
      element.addEventListener("mouseenter", () => set(true));
      element.addEventListener("mouseleave", () => set(false));
    }
    item.addEventListener("focus", () => set(true));
    item.addEventListener("blur", () => set(false));
  }
};

const versionOf = (frame, layer) => { // of its plugin: several authenticators share an entry
  for (const [kind, names, versions] of talkOf(frame).plugins) {
    const at = names.split(",").indexOf(layer.plugin);
    if (at >= 0 && [layer.layer, "auth"].includes(kind)) return versions.split(",")[at] || "";
  }
  return "";
};

const heading = (frame, layer) => {
  const head = make("h3", "", TITLES[layer.layer]);
  head.append(make("small", "size", count(layer.length, "byte")));
  const version = versionOf(frame, layer);
  if (layer.plugin) head.append(make("small", "plugin", `${layer.plugin}${version ? `, from ${version}` : ""}`));
  return head;
};

const card = (frame, layer) => {
  const element = make("article", `card ${layer.layer}`), raw = bytesOf(frame, layer);
  const above = layer.layer === "framer" ? frame.layers.findLast(one => one.at !== undefined) : undefined;
  const spans = layer.spans.length ? layer.spans : layer.length ? [[0, 0, layer.length, "", 0]] : [];
  const map = make("div", "map"), list = make("ol", "parts");
  spans.forEach((span, number) => {
    const repeats = above && span[1] === above.at && span[2] === above.length;
    map.append(part(raw, span, number, repeats), " ");
    list.append(meaning(span, number));
  });
  together(map, list);
  element.append(heading(frame, layer), map, list);
  return element;
};

const facts = frame => { // of an event that concerns the whole conversation
  const element = make("article", "card"), table = make("table"), talk = talkOf(frame);
  const rows = frame.name === "started" ? [["role", talk.role, ""], ["other side", talk.peer, ""], ...talk.plugins] : frame.about;
  for (const cells of rows) {
    const line = make("tr");
    line.append(...cells.map(cell => make("td", "", cell)));
    table.append(line);
  }
  element.append(make("h3", "", frame.name === "started" ? "The layers, and where they come from" : "About it"), table);
  return rows.length ? [element] : [];
};

const verdict = frame => { // what those who only listen, and an attacker who recorded this, can read
  const who = attacked ? "An eavesdropper" : "Eve", lines = [];
  if (attacked && !state.eve && frame.layers.some(layer => layer.layer === "messages")) lines.push(make("p", "verdict open", "Mallory reads it: she has a key with each side, or needs none."));
  if (frame.readable) lines.push(make("p", "verdict open", `${who} reads it as it was typed.`));
  else if (frame.open) lines.push(make("p", "verdict open", `${who} can find out what it says: this stack keeps nothing secret.`));
  else if (sealed(frame)) lines.push(make("p", "verdict sealed", `${who} sees these bytes, and cannot read what they say.`));
  return lines;
};

const title = frame => {
  const element = make("h2", "", frame.way ? nameOf(frame) : frame.name);
  const [from, to] = ends(frame).map(end => NAMES[end]);
  const told = [frame.way && `${from} → ${to}`, seconds(frame.time), frame.way && `${count(size(frame), "byte")} on the wire`, talkOf(frame).group];
  element.append(make("small", "", `  ${told.filter(Boolean).join("  ·  ")}`));
  return element;
};

const detail = frame => {
  if (hidden(frame)) return [title(frame), make("p", "verdict sealed", "Eve does not see this.")];
  const layers = shownLayers(frame), cards = make("div", "cards"), words = frame.way || !state.eve ? wordsOf(frame) : "";
  const session = frame.layers[0].layer === "session";
  cards.classList.toggle("beside", ["messages", "cipher"].every(kind => layers.some(layer => layer.layer === kind)));
  cards.append(...(session ? (state.eve ? [] : facts(frame)) : layers.map(layer => card(frame, layer))));
  const quote = words ? [clipped(make("blockquote"), words.length, MOST_CHARACTERS, most => frame.way ? `“${words.slice(0, most)}”` : words.slice(0, most), "more")] : [];
  return [title(frame), ...quote, ...verdict(frame), cards];
};

// -- the beginning -------------------------------------------------------------------------------------------------------------

if (!frames.length) find("detail").append(make("p", "verdict", "This trace is empty: it ended before anything was recorded."));
look(location.hash.endsWith("eve"));
go(Number(/\d+/.exec(location.hash)?.[0] || 1) - 1); // page.html#7 begins at the seventh frame, page.html#7eve with Eve's view
