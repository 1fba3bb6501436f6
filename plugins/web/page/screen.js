// What the user sees. Nothing that another side said is ever more than text.

const MOST_ROWS = 2000;
const byId = (id) => document.getElementById(id);
const show = (id, isShown = true) => (byId(id).hidden = !isShown);

function element(name, classes = "", ...parts) {
  const made = document.createElement(name);
  made.className = classes;
  made.append(...parts);
  return made;
}

function fill(id, text) {
  byId(id).textContent = text;
}

function refuse(sentence) {
  fill("fault", sentence);
  show("fault");
}

const hueOf = (text) => [...text].reduce((hue, one) => (hue * 31 + one.codePointAt(0)) % 360, 7);

class Screen {
  present = new Map(); // name: fingerprint
  unread = 0;

  constructor(keep) {
    this.keep = keep;
    byId("log").replaceChildren();
    document.onvisibilitychange = () => this.title();
  }

  // -- what the member of the room tells ------------------------------------------------------------------------------------

  status(text, state) {
    fill("status", text);
    byId("status").className = state;
  }

  async letIn({ suite, key }, { address }) {
    show("door", false);
    show("talk");
    byId("line").focus();
    const facts = ["Server", address, "Its key", await fingerprintOf(key), "Encrypted with", suite];
    byId("facts").replaceChildren(...facts.map((fact, at) => element(at % 2 ? "dd" : "dt", "", fact)));
  }

  tell(text, classes = "quiet") {
    if (text) this.add(element("li", classes, text));
  }

  enter({ room, you, topic, here, count }) {
    if (room !== this.room) this.tell(`You are ${you} in ${room}.`);
    Object.assign(this, { room, me: you, topic, count, present: new Map([here].flat().map((one) => [one?.name, one?.key])) });
    this.draw();
  }

  happen(event) {
    const { kind, name, text, details, isEarlier } = event;
    if (!isEarlier && this.wasEarlier) this.tell("earlier messages end here", "rule");
    this.wasEarlier = isEarlier;
    byId("log").ariaBusy = isEarlier; // a screen reader need not read all of that
    if (kind === SAID || kind === DID) this.message(event, text);
    else if (kind === TOLD) this.message(event, `${details.text}`, name === this.me ? `to ${details.to} alone` : "to you alone");
    else if (kind === OTHER) this.tell(details.text);
    else {
      const { action, target, reason } = details;
      const what = {
        [JOINED]: "is here", [LEFT]: "has left" + (text && `: ${text}`), [RENAMED]: `is now ${text}`, [TOPIC]: `set the topic: ${text}`,
        [MODERATED]: `used /${action} on ${target?.name ?? target?.key}. ${reason ?? ""}`,
      }[kind];
      if (what) this.add(element("li", "quiet", `${name} ${what}`, this.time(event.time)));
      if (!isEarlier) this.note(event);
    }
  }

  closed({ message, asks = "name" }) {
    show("talk", false);
    show("door");
    refuse(message);
    this.keep({});
    show("forget", asks === "forget");
    byId(asks).focus();
  }

  // -- rows -----------------------------------------------------------------------------------------------------------------

  message({ key, name, marks, time, kind, isOwn, isEarlier }, text, alone = "") {
    const speaker = kind === DID ? "" : [key, name, alone, Math.floor(time / 300_000)].join();
    const isMeant = !isOwn && (alone || this.isMention(text)), who = element("b", "", isOwn && kind !== DID ? `${name} (you)` : name);
    const row = element("li", alone ? "private" : isMeant ? "meant" : "", who), small = [...marks, alone].filter(Boolean).join(", ");
    who.style.setProperty("--hue", hueOf(key ?? name));
    if (speaker && speaker === this.speaker) who.className = "unseen";
    else if (kind === DID) row.append(" ", text, this.time(time));
    else row.append(element("small", marks.length ? "fault" : "", small), this.time(time));
    if (kind !== DID) row.append(element("p", "", text));
    this.add(row);
    this.speaker = speaker;
    if (document.hidden && !isEarlier) this.unread++;
    this.title();
  }

  add(row) {
    const log = byId("log"), isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    this.speaker = "";
    log.append(row);
    if (log.childElementCount > MOST_ROWS) log.firstElementChild.remove();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  time(milliseconds) {
    const at = new Date(milliseconds), isToday = at.toDateString() === new Date().toDateString();
    return element("time", "", isNaN(at) ? "" : at.toLocaleString([], { timeStyle: "short", dateStyle: isToday ? undefined : "short" }));
  }

  isMention(text) {
    const name = this.me.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    return new RegExp(`(?<![\\p{L}\\p{N}_])${name}(?![\\p{L}\\p{N}_])`, "iu").test(text);
  }

  title() {
    if (!document.hidden) this.unread = 0;
    document.title = (this.unread ? `(${this.unread}) ` : "") + `${this.room} – plytalk`;
  }

  // -- who is here ----------------------------------------------------------------------------------------------------------

  note({ kind, name, key, text, isOwn }) {
    const { present } = this, size = present.size;
    if (kind === JOINED && !isOwn && size < 1000) present.set(name, key);
    else if (kind === LEFT) present.delete(name);
    else if (kind === RENAMED && present.delete(name)) present.set(text, key);
    else if (kind === TOPIC) this.topic = text;
    this.count += present.size - size;
    this.draw();
  }

  draw() {
    this.title();
    fill("title", this.room);
    fill("topic", this.topic);
    fill("people", `${this.count} here`);
    byId("names").replaceChildren(element("li", "", `${this.me} (you)`), ...[...this.present].map(([name, key]) => {
      const button = element("button", "", name);
      button.title = `Write to ${name} alone. ${key ?? "No key"}`;
      button.onclick = () => this.write(`/msg ${name} `);
      return element("li", "", button);
    }));
  }

  write(text) {
    byId("people").ariaExpanded = byId("members").classList.toggle("open", false);
    byId("line").value = text;
    byId("line").focus();
  }
}
