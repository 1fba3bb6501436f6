// What the user sees. Nothing that another side said is ever more than text.

const MOST_ROWS = 2000, MOST_NAMES = 1000;
const CLOCK = new Intl.DateTimeFormat([], { timeStyle: "short" });
const CALENDAR = new Intl.DateTimeFormat([], { timeStyle: "short", dateStyle: "short" });
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

/** While the page connects, Join cannot be pressed again. */
function connecting(disabled) {
  Object.assign(byId("join"), { disabled, textContent: disabled ? "Connecting …" : "Join" });
}

/** Whether the end of the log is visible when the log has this height. */
const isAtEnd = (log, height) => log.scrollHeight - log.scrollTop - height < 80;

let lastHeight = 0;
new ResizeObserver(([{ target }]) => {
  if (isAtEnd(target, lastHeight)) target.scrollTop = target.scrollHeight; // the keyboard of a phone has opened
  lastHeight = target.clientHeight;
}).observe(byId("log"));

const hueOf = (text) => [...text].reduce((hue, one) => (hue * 31 + one.codePointAt(0)) % 360, 7);

class Screen {
  present = new Map(); // name: row
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
    show("talk");
    if (!byId("door").hidden) byId("line").focus(); // and not at every return
    show("door", false);
    const facts = ["Server", address, "Its key", await fingerprintOf(key), "Encrypted with", suite];
    byId("facts").replaceChildren(...facts.map((fact, at) => element(at % 2 ? "dd" : "dt", "", fact)));
  }

  tell(text, classes = "quiet") {
    if (text) this.add(element("li", classes, text));
  }

  enter({ room, you, topic, here, count }) {
    if (room !== this.room) this.tell(`You are ${you} in ${room}.`);
    Object.assign(this, { room, me: you, topic, count });
    this.present.clear();
    byId("names").replaceChildren(element("li", "", `${you} (you)`));
    for (const one of [here].flat()) this.place(one?.name, one?.key);
    this.draw();
  }

  happen(event) {
    const { kind, name, text, details, isEarlier } = event;
    if (!isEarlier && this.wasEarlier) this.tell("earlier messages end here", "rule");
    this.wasEarlier = isEarlier;
    byId("log").ariaBusy = isEarlier; // a screen reader need not read all of that
    if (kind === SAID || kind === DID) this.message(event, text);
    else if (kind === TOLD) this.message(event, `${details.text}`, `to ${details.to === this.me ? "you" : details.to} alone`);
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

  closed({ message, retry, asks = "name" }) {
    show("talk", false);
    show("door");
    connecting(false);
    refuse(message);
    this.room = "";
    this.title();
    if (!retry) this.keep({});
    show("forget", asks === "forget");
    byId(asks).focus();
  }

  // -- rows -----------------------------------------------------------------------------------------------------------------

  message({ key, name, marks, time, kind, isOwn, isEarlier }, text, alone = "") {
    const speaker = kind === DID ? "" : [key, name, alone, Math.floor(time / 300_000)].join();
    const isMeant = !isOwn && this.isMention(text), who = element("b", "", isOwn && kind !== DID ? `${name} (you)` : name);
    const row = element("li", alone ? "private" : isMeant ? "meant" : "", who), small = [...marks, alone].filter(Boolean).join(", ");
    who.style.setProperty("--hue", hueOf(key ?? name));
    if (speaker && speaker === this.speaker) who.className = "unseen";
    else if (kind === DID) row.append(" ", text, this.time(time));
    else row.append(element("small", marks.length ? "fault" : "", small && ` ${small}`), this.time(time));
    if (kind !== DID) row.append(element("p", "", text.replaceAll("␊", "\n"))); // as `clean` shows the ends of lines
    this.add(row);
    this.speaker = speaker;
    if (document.hidden && !isEarlier) this.unread++;
    this.title();
  }

  add(row) {
    const log = byId("log");
    this.follow(log);
    this.speaker = "";
    log.append(row);
    if (log.childElementCount > MOST_ROWS) log.firstElementChild.remove();
  }

  /** Keep the end visible where it is. It is measured once for all that comes before the screen is drawn again. */
  follow(log) {
    if (this.follows) return;
    const wasAtEnd = isAtEnd(log, log.clientHeight);
    this.follows = requestAnimationFrame(() => {
      this.follows = 0;
      if (wasAtEnd) log.scrollTop = log.scrollHeight;
    });
  }

  time(milliseconds) {
    const at = new Date(milliseconds), isToday = at.toDateString() === new Date().toDateString();
    return element("time", "", isNaN(at) ? "" : ` ${(isToday ? CLOCK : CALENDAR).format(at)}`);
  }

  isMention(text) {
    const name = this.me.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    return new RegExp(`(?<![\\p{L}\\p{N}_])${name}(?![\\p{L}\\p{N}_])`, "iu").test(text);
  }

  title() {
    if (!document.hidden) this.unread = 0;
    document.title = (this.unread ? `(${this.unread}) ` : "") + (this.room ? `${this.room} – plytalk` : "plytalk");
  }

  // -- who is here ----------------------------------------------------------------------------------------------------------

  note({ kind, name, key, text, isOwn }) {
    if (kind === TOPIC) this.topic = text;
    else if (isOwn) return; // the server says who we are
    this.count += (kind === JOINED) - (kind === LEFT);
    if (kind === LEFT || kind === RENAMED) this.remove(name);
    if (kind === JOINED || kind === RENAMED) this.place(kind === JOINED ? name : text, key);
    this.draw();
  }

  /** Put a member into the list. The rows of the others stay, since one of them may have the focus. */
  place(name, key) {
    if (this.present.size >= MOST_NAMES) return;
    const button = element("button", "", name), row = element("li", "", button);
    button.title = `Write to ${name} alone. ${key ?? "No key"}`;
    button.onclick = () => this.write(`/msg ${name} `);
    this.present.set(name, row);
    byId("names").append(row);
  }

  remove(name) {
    this.present.get(name)?.remove();
    this.present.delete(name);
  }

  draw() {
    this.title();
    fill("title", this.room);
    fill("topic", this.topic);
    fill("people", `${this.count} here`);
  }

  write(text) {
    byId("people").ariaExpanded = byId("members").classList.toggle("open", false);
    byId("line").value = text;
    byId("line").focus();
  }
}
