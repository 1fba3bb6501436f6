// Files that members offer each other. This, transfers.js and hashes.js are loaded when the first file comes or goes.

/** All files of one member of a room. */
class Files {
  incoming = new Map();
  outgoing = new Map();
  last = 0;

  constructor(member, screen) {
    Object.assign(this, { member, screen });
    member.back = () => this.back();
    onbeforeunload = (event) => this.areMoving && event.preventDefault(); // the browser asks
  }

  /** Whether a file is on its way: what has come of it is lost when the page is loaded again. */
  get areMoving() {
    return [...this.outgoing.values()].some((own) => own.streams.size) || [...this.incoming.values()].some((one) => one.channel && !one.isOver);
  }

  say(said) {
    this.member.channel?.send([FILE, join([SAY], numberIn(4, 0), bytesOf(JSON.stringify(said)))]);
  }

  /** A row about a file; what comes of it is written behind it, and with its end its buttons go. */
  row(text, ...buttons) {
    const state = element("small", ""), row = element("li", "quiet", text, " ", ...buttons, state);
    this.screen.add(row);
    return (words, isEnd) => {
      state.ariaLive = words.includes("%") ? "off" : "polite"; // a screen reader need not read every step
      state.textContent = words;
      if (isEnd) buttons.forEach((one) => one.remove());
    };
  }

  button(text, onclick) {
    return Object.assign(element("button", "", text), { onclick });
  }

  hear(channel, body) {
    if (body.length < 5) throw malformed();
    const kind = body[0], stream = numberFrom(body.subarray(1, 5)), payload = body.subarray(5);
    if (kind === SAY) this.understand(channel, objectIn(textOf(payload)));
    else if (kind === OPEN) this.serve(channel, stream, numberFrom(payload.subarray(0, 4)), numberFrom(payload.subarray(4, 12)), numberFrom(payload.subarray(12, 16)));
    else if (kind === CREDIT || kind === STOP) this.steer(kind, stream, payload);
    else this.take(kind, this.incoming.get(stream), payload);
  }

  understand(channel, said) {
    const own = this.outgoing.get(said.number);
    if (said.do === "offer") this.offered(channel, said);
    else if (said.do === "withdraw") this.withdrawn(said);
    else if (said.do === "taken" && own) own.row(`offered to ${countOf(said.members)}`);
    else if (said.do === "refused" && own) own.row(clean(said.text));
    else if (said.do === "reply" && own) this.row(`${clean(said.sender?.name)} ${REPLIES[said.state] ?? "answers about"} ${clean(own.file.name)}.`);
  }

  // -- what others offer ----------------------------------------------------------------------------------------------------

  offered(channel, { number, id, file = {}, sender = {} }) {
    const { name, size, root, hash, folder } = file, key = sender.key;
    const known = [...this.incoming.values()].find((one) => key && one.key === key && one.code === root && !(one.isOver && one.id !== id));
    const isSized = Number.isInteger(size) && size >= 0, what = `${clean(sender.name)} offers ${clean(name)} (${isSized ? sizeInWords(size) : "size unknown"}).`;
    const isKnown = HASHES[hash] && isSized && size <= LARGEST && typeof root === "string";
    if (folder || !isKnown) return this.row(`${what} ${folder ? "It is a folder: o" : "O"}nly the program chat can receive it.`);
    if (known) {
      this.incoming.delete(known.number);
      this.incoming.set((known.number = number), known);
      if (known.unsaid) this.say({ do: "reply", number, state: known.unsaid });
      known.unsaid = "";
      return !known.isOver && known.channel && known.begin(channel);
    }
    if (this.incoming.size >= MOST_OFFERS) this.incoming.delete(this.incoming.keys().next().value);
    const incoming = new Incoming({ number, id, name: clean(name), size, code: root, root: Uint8Array.from(atob(root), (one) => one.charCodeAt(0)), hash, key });
    const decline = this.button("Decline", () => this.decline(incoming));
    incoming.row = this.row(what, this.button("Receive", ({ target }) => this.accept(incoming, target, decline)), decline);
    this.incoming.set(number, incoming);
  }

  accept(incoming, button, decline) {
    if (!this.member.isIn) return incoming.row("not connected");
    decline.textContent = "Cancel";
    decline.focus(); // a keyboard goes on from here
    button.remove();
    this.say({ do: "reply", number: incoming.number, state: "accepted" });
    incoming.begin(this.member.channel);
  }

  /** Not to receive it, or no more of it. */
  decline(incoming) {
    incoming.send(STOP);
    this.end(incoming, incoming.channel ? "cancelled" : "declined");
  }

  take(kind, incoming, payload) {
    if (!incoming?.channel || incoming.isOver) return;
    try {
      if (kind === PROOF) incoming.proof(payload);
      else if (kind === DATA) incoming.data(payload);
      else if (kind === END) incoming.save(), this.end(incoming, "done", "saved");
      else if (kind === FAIL && payload[0] !== 1) throw new Fault("its sender cannot send it any more");
    } catch (fault) {
      incoming.send(STOP);
      this.end(incoming, "failed", fault.message);
    }
  }

  end(incoming, state, why = state) {
    incoming.isOver = true;
    incoming.blobs = [];
    incoming.row(why, true);
    if (this.member.isIn) this.say({ do: "reply", number: incoming.number, state });
    else incoming.unsaid = state;
  }

  withdrawn({ number, cut }) {
    const incoming = this.incoming.get(number);
    if (!incoming || incoming.isOver) return;
    incoming.row(cut ? "waiting for its sender" : "not offered any more", !cut);
    incoming.isOver = !cut;
  }

  // -- what this user offers ------------------------------------------------------------------------------------------------

  /** Offer a file to all in the room, or to one member. */
  async send(file, to) {
    const number = ++this.last, whom = to ? `to ${to} alone` : "to all";
    const row = this.row(`You offer ${clean(file.name)} (${sizeInWords(file.size)}) ${whom}.`, this.button("Take back", () => this.takeBack(own)));
    const own = new Outgoing(number, file, to, row);
    try {
      await own.hash();
    } catch {
      return row("it cannot be read");
    }
    this.outgoing.set(number, own);
    this.say(own.offer);
  }

  takeBack(own) {
    own.streams.clear();
    this.outgoing.delete(own.number);
    this.say({ do: "withdraw", number: own.number });
    own.row("taken back", true);
  }

  /** There is another connection: offer again what is offered. */
  back() {
    for (const own of this.outgoing.values()) {
      own.streams.clear();
      this.say(own.offer);
    }
  }

  serve(channel, stream, number, at, credit) {
    const own = this.outgoing.get(number), fail = (why) => channel.send([FILE, join([FAIL], numberIn(4, stream), [why])]);
    if (!own || at > own.file.size) return fail(5);
    own.serve(channel, stream, at, credit).catch(() => fail(2));
  }

  steer(kind, number, payload) {
    for (const { streams } of this.outgoing.values()) {
      if (kind === STOP) streams.delete(number);
      else if (streams.has(number)) streams.get(number).credit += numberFrom(payload);
    }
  }
}
