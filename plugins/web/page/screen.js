// What the user sees. Nothing that another side said is ever more than text.

const MOST_ROWS = 2000, BREAK = 5 * 60_000;
const DONE = {
  kick: "removed", ban: "banned", unban: "lifted the ban of", mute: "muted", unmute: "unmuted", op: "made an operator of",
  deop: "took the operator role from", release: "released the name of", allow: "put on the allow list:",
};
const byId = (id) => document.getElementById(id);

function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

class Screen {
  constructor(keep) {
    this.keep = keep;
    this.present = new Map(); // name: fingerprint
    this.unread = 0;
  }

  // -- what the room client tells -------------------------------------------------------------------------------------------

  status(state, text) {
    const status = byId("status");
    status.className = state;
    status.textContent = text;
    if (state === "in") byId("line").focus();
  }

  waiting(lines) {
    if (lines) byId("status").textContent = `Not connected: ${lines === 1 ? "1 line waits" : `${lines} lines wait`} to be sent.`;
  }

  letIn({ suite, key }) {
    byId("door").hidden = true;
    byId("talk").hidden = false;
    this.suite = suite;
    fingerprintOf(key).then((print) => this.showFacts(print));
  }

  tell(lines) {
    if (lines.length) this.add(element("li", lines.join("\n"), "quiet"));
  }

  fail(text) {
    this.add(element("li", text, "fault"));
  }

  enter({ room, you, topic, here, count, operator }) {
    const moved = room !== this.room;
    Object.assign(this, { room, me: you, topic, count, operator });
    this.present = new Map((Array.isArray(here) ? here : []).map((one) => [one?.name, one?.key]));
    if (moved) this.tell([`You are ${you} in ${room}.`]);
    this.draw();
  }

  happen(event) {
    const { kind, text, details, isEarlier } = event, name = clean(event.name);
    if (!isEarlier) this.note(kind, name, event);
    if (kind === SAID || kind === DID) this.message(event, name, clean(text));
    else if (kind === TOLD) this.message(event, name, details.text ?? "", event.name === this.me ? details.to : this.me);
    else if (kind === JOINED) this.report(event, `${name} is here.`);
    else if (kind === LEFT) this.report(event, `${name} has left${text ? `: ${clean(text)}` : "."}`);
    else if (kind === RENAMED) this.report(event, `${name} is now ${clean(text)}.`);
    else if (kind === TOPIC) this.report(event, `${name} set the topic: ${clean(text)}`);
    else if (kind === OTHER) this.report(event, details.text ?? "");
    else if (kind === MODERATED && DONE[details.action]) {
      this.report(event, `${name} ${DONE[details.action]} ${details.target?.name ?? details.target?.key ?? ""}${details.reason ? `: ${details.reason}` : ""}`);
    }
  }

  closed({ message, asks }) {
    byId("talk").hidden = true;
    byId("door").hidden = false;
    byId("fault").textContent = message;
    byId("fault").hidden = false;
    byId(asks === "code" ? "code" : asks === "suite" ? "classical" : "name").focus();
  }

  // -- rows -----------------------------------------------------------------------------------------------------------------

  message(event, name, text, to) {
    const row = element("li"), isPrivate = to !== undefined;
    const isFirst = this.speaker !== `${event.key} ${name} ${to}` || event.time - this.spokeAt > BREAK || event.kind === DID;
    const who = element("b", event.isOwn ? `${name} (you)` : name, isFirst ? "" : "unseen");
    who.style.setProperty("--hue", hueOf(event.key ?? name));
    row.append(who);
    if (isFirst) {
      row.className = "first";
      for (const mark of event.marks) row.append(element("span", `${mark} `, "mark"));
      if (isPrivate) row.append(element("span", event.isOwn ? `to ${to} alone ` : "to you alone ", "quiet"));
      row.append(this.time(event.time), "\n");
    }
    if (event.kind === DID) row.append(element("i", `${name} ${text}`));
    else row.append(text);
    const isMeant = !event.isOwn && (isPrivate || this.isMention(text));
    if (isPrivate) row.classList.add("private");
    else if (isMeant) row.classList.add("meant");
    this.add(row);
    Object.assign(this, { speaker: `${event.key} ${name} ${to}`, spokeAt: event.time });
    if (document.hidden && !event.isEarlier) this.call();
  }

  report(event, text) {
    const row = element("li", "", "quiet");
    row.append(`${text} `, this.time(event.time));
    this.add(row);
  }

  add(row) {
    const log = byId("log"), isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    this.speaker = null;
    log.append(row);
    while (log.childElementCount > MOST_ROWS) log.firstElementChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  time(milliseconds) {
    const at = new Date(milliseconds), isToday = at.toDateString() === new Date().toDateString();
    const made = element("time", isNaN(at) ? "" : at.toLocaleString([], { timeStyle: "short", ...(isToday ? {} : { dateStyle: "short" }) }));
    if (!isNaN(at)) made.dateTime = at.toISOString();
    return made;
  }

  isMention(text) {
    const [before, after] = [/[\p{L}\p{N}_]$/u, /^[\p{L}\p{N}_]/u], name = this.me?.toLowerCase();
    return Boolean(name) && text.toLowerCase().split(name).some((part, at, parts) => at < parts.length - 1 && !before.test(part) && !after.test(parts[at + 1]));
  }

  call() {
    document.title = `(${++this.unread}) ${this.room} – plytalk`;
  }

  // -- who is here ----------------------------------------------------------------------------------------------------------

  note(kind, name, event) {
    const isThere = this.present.has(name);
    if (kind === JOINED && !event.isOwn && !isThere) this.present.set(name, event.key), this.count++;
    else if (kind === LEFT && isThere) this.present.delete(name), this.count--;
    else if (kind === RENAMED && isThere) this.present.delete(name), this.present.set(clean(event.text), event.key);
    else if (kind === TOPIC) this.topic = clean(event.text);
    else return;
    this.draw();
  }

  draw() {
    this.unread = 0;
    document.title = `${this.room} – plytalk`;
    byId("title").textContent = this.room;
    byId("topic").textContent = this.topic ?? "";
    byId("people").textContent = `${this.count} here`;
    const rows = [...this.present].map(([name, key]) => {
      const button = element("button", name);
      button.type = "button";
      button.title = key ? `Write to ${name} alone. ${key}` : `Write to ${name} alone`;
      button.onclick = () => this.writeTo(name);
      const row = element("li");
      row.append(button);
      return row;
    });
    byId("names").replaceChildren(element("li", `${this.me} (you)`), ...rows);
  }

  writeTo(name) {
    byId("line").value = `/msg ${/\s/.test(name) ? `"${name}"` : name} `;
    byId("line").focus();
  }

  showFacts(server) {
    const facts = { "Key of the server": server, Suite: this.suite };
    byId("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
      const dd = element("dd");
      dd.append(element("code", value));
      return [element("dt", name), dd];
    }));
  }
}

const hueOf = (text) => [...text].reduce((hue, one) => (hue * 31 + one.codePointAt(0)) % 360, 7);
