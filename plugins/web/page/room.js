// A member of a room, over as many connections as it takes: what was said and not acknowledged is kept, and said again.

const WAITS = [0.5, 1, 2, 4, 8, 15, 30]; // seconds before each try to connect again
const LOOK_EVERY = 30_000;
const SAID = 1, DID = 2, JOINED = 3, LEFT = 4, RENAMED = 5, TOPIC = 6, TOLD = 7, OTHER = 8, MODERATED = 9;
const STAY_AWAY = [1, 2, 4, 6]; // reasons of a goodbye: kicked, banned, refused, idle

/** The ending that a server's goodbye brings. */
function endingBy(body) {
  if (body.length < 9 || body.length > 521) throw malformed();
  const isFinal = STAY_AWAY.includes(body[0]), said = clean(textOf(body.slice(9)));
  return new Fault(said ? `The server says: ${said}` : `The server ${isFinal ? "sends you away" : "said goodbye"}.`, { retry: !isFinal, isGoodbye: true });
}

/** What happened in a room, as encoded in an item of type 9. */
function readEvent(body) {
  const size = body[18], at = 19 + size, end = at + 1 + body[at];
  if ((size && size !== 32) || !(end <= body.length)) throw malformed();
  const id = numberFrom(body.slice(0, 8)), time = numberFrom(body.slice(8, 16)), [kind, bits] = body.slice(16);
  const marks = [bits & 16 && "ssh guest", bits & 2 && "not authenticated", bits & 4 && "not encrypted"].filter(Boolean);
  return { id, time, kind, marks, key: size ? `SHA256:${base64(body.slice(19, at))}` : null, name: textOf(body.slice(at + 1, end)), text: textOf(body.slice(end)) };
}

const countOf = (value) => (value > 0 && Number.isInteger(value) ? value : 0);
const lines = (count) => (count === 1 ? "1 line" : `${count} lines`);

/**
 * `view` shows what happens. `wanted` is what the user asks for: address, room, name, code, and what may be offered. `judge` decides
 * about a server's key. `earlier` is what was here before the page was loaded again.
 */
class RoomMember {
  last = 0;
  taken = 0; // how many of our lines the server has
  sent = 0; // how many of those in `kept` were sent over an earlier connection
  tries = 0;
  kept = [];

  constructor(view, identity, wanted, judge, earlier) {
    Object.assign(this, { view, identity, wanted, judge, instance: crypto.randomUUID(), epoch: "", room: wanted.room, name: wanted.name }, earlier);
  }

  /** Talk until it is over and no reconnection is tried. */
  async run() {
    for (;;) {
      let ending = await this.talk().catch((fault) => fault);
      if (!(ending instanceof Fault)) console.error(ending);
      if (this.isIn) this.sent = this.kept.length;
      this.isIn = false;
      this.channel = null;
      this.hadGoodbye ||= ending.isGoodbye;
      const isLost = !this.wasIn || (this.hadGoodbye && this.tries >= WAITS.length);
      if (this.isLeaving) ending.retry = false;
      else if (this.wasIn && this.wanted.code && ending.retry) ending = usedUp(ending); // it was good for one connection
      if (!ending.retry || (isLost && !this.asked)) return this.view.closed(ending);
      await this.wait(ending);
    }
  }

  async wait({ message }) {
    const seconds = this.asked ? 0 : WAITS[Math.min(this.tries++, WAITS.length - 1)];
    this.asked = false;
    if (seconds) this.view.status(`${message} Trying again in ${Math.ceil(seconds)} s.`, "away");
    await new Promise((resolve) => {
      this.hurry = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }

  /** Everything over one connection: how it ended. */
  async talk() {
    if (this.isLeaving) throw new Fault("You have left.");
    const frames = (this.frames = new Frames(this.wanted.address));
    const watch = setInterval(() => this.channel?.look(), LOOK_EVERY);
    try {
      const keys = await shakeHands(frames, this.identity, this.wanted, (key) => this.ask(key));
      const channel = (this.channel = new Channel(frames, keys));
      const first = await this.beLetIn(channel, this.wanted);
      this.join(channel);
      return await this.listen(channel, first);
    } finally {
      clearInterval(watch);
      frames.socket.close();
    }
  }

  /** The server waits only so long: where a person took longer, connect again at once. */
  async ask(key) {
    const before = performance.now();
    await this.judge(key, this.wanted);
    this.asked = performance.now() - before > HANDSHAKE / 2;
  }

  /** The server's first record, which says that we are let in. Behind a wrong code or key it says nothing. */
  async beLetIn(channel, { code, secret }) {
    channel.frames.limit("The server waits. If it asks for three words, use the program chat.");
    const name = code ? "code" : secret && "psk";
    try {
      if (name) await this.prove(channel, name);
      return this.withoutGoodbye(await channel.receive());
    } catch (fault) {
      if (!name || this.wasIn || !fault.retry || fault.isGoodbye) throw fault;
      throw new Fault(`The ${code ? "code" : "key"} is wrong, or someone is between you.`, { asks: "code" });
    } finally {
      channel.frames.limit();
    }
  }

  /** Both sides know the code or key: each sends its binding, and expects the same. */
  async prove(channel, name) {
    const binding = await hkdf(NOTHING, channel.keys.hash, bytesOf(`plytalk/1 binding ${name}`), 32);
    channel.send([CONTROL, binding]);
    const [[type, body], ...more] = this.withoutGoodbye(await channel.receive());
    if (type !== CONTROL || more.length || !areSame(body, binding)) throw cut();
  }

  withoutGoodbye(items) {
    for (const [type, body] of items) if (type === CLOSE) throw endingBy(body);
    return items;
  }

  join(channel) {
    const { instance, epoch, last } = this;
    const request = { do: "join", instance, room: this.room || undefined, name: this.name || undefined };
    if (epoch) request.resume = { epoch, last };
    channel.send([ROOM, bytesOf(JSON.stringify(request))], [PING, NOTHING]);
    this.view.letIn(channel.keys, this.wanted);
  }

  async listen(channel, items) {
    for (;; items = await channel.receive()) {
      for (const [type, body] of items) {
        if (type === CLOSE) return this.part(channel, body);
        this.hear(channel, type, body);
      }
    }
  }

  hear(channel, type, body) {
    if (type === PING) channel.send([PONG, body]);
    else if (type === PONG && !this.isIn) throw new Fault("This server has no rooms.");
    else if (type === ACK) this.acknowledge(numberFrom(body));
    else if (type === MESSAGE) channel.messages++;
    else if (type === ROOM) this.said(channel, textOf(body));
    else if (type === EVENT) this.event(readEvent(body));
    else if (type === FILE) this.files((files) => files.hear(channel, body)).catch((fault) => channel.frames.fail(fault));
  }

  /** A goodbye came: acknowledge it like one message more, say ours where that has not been done, and end. */
  async part(channel, body) {
    await channel.send([ACK, numberIn(8, channel.messages + 1)]);
    if (!this.isLeaving) await channel.close();
    channel.frames.send();
    return this.isLeaving ? new Fault("You have left.") : endingBy(body);
  }

  // -- in the room ----------------------------------------------------------------------------------------------------------

  said(channel, text) {
    const said = objectIn(text), known = objectIn(text, true);
    if (said.do === "welcome") this.welcome(channel, said, known);
    else if (said.do === "you") this.meet(said, known);
    else if (said.do === "tell") this.view.tell(known.text);
    else if (said.do === "result") this.view.tell([known.lines].flat().join("\n"));
    else if (said.do === "error") this.view.tell(`${known.text} ${known.hint ?? ""}`, "fault");
  }

  meet(said, known) {
    this.name = String(said.you);
    this.view.enter(known);
    this.view.tell(known.why);
    this.view.keep({ instance: this.instance, epoch: this.epoch, room: this.room, name: this.name });
  }

  welcome(channel, said, known) {
    const { isIn } = this;
    if (!isIn) this.arrive(said);
    Object.assign(this, { room: String(said.room), epoch: String(said.epoch), last: countOf(said.next) - 1, tries: 0, hadGoodbye: false });
    this.now = countOf(said.now) || this.last + 1;
    this.isIn = this.wasIn = true;
    this.meet(said, known);
    this.view.status("Connected.", "in");
    if (!isIn) {
      this.back?.();
      for (const line of this.kept) channel.send([MESSAGE, bytesOf(line)]);
    }
    if (this.isLeaving) channel.close();
  }

  /** The first welcome of a connection: what the server has of what was said before. */
  arrive({ epoch, taken, missed }) {
    if (!this.epoch || (epoch === this.epoch && taken >= this.taken)) this.acknowledge(taken);
    else if (this.kept.splice(0, this.sent).length) this.view.tell(`The server was restarted: your last ${lines(this.sent)} may be lost.`);
    this.taken = countOf(taken);
    if (this.epoch && missed) this.view.tell(`${this.epoch === epoch ? "You were away too long" : "The server was restarted"}: some of what was said is missing here.`);
  }

  acknowledge(taken) {
    const newly = this.kept.splice(0, Math.max(countOf(taken) - this.taken, 0)).length;
    this.taken += newly;
    this.sent -= newly;
  }

  event(event) {
    if (event.id <= this.last) return;
    this.last = event.id;
    const isEarlier = event.id < this.now;
    const isOwn = event.name === this.name && [null, this.identity.fingerprint].includes(event.key); // another window has the same key
    if (event.kind === RENAMED && isOwn && !isEarlier) this.name = event.text;
    this.view.happen({ ...event, isOwn, isEarlier, details: objectIn(event.text, true), name: clean(event.name), text: clean(event.text) });
  }

  // -- what the user does ---------------------------------------------------------------------------------------------------

  say(line) {
    if (bytesOf(line).length > MIB) return this.view.tell("A message has at most 1 MiB: send it as a file.", "fault");
    this.kept.push(line);
    if (this.isIn) this.channel.send([MESSAGE, bytesOf(line)]);
    else this.view.status(`Not connected: ${lines(this.kept.length)} will be sent later.`, "away");
  }

  leave() {
    this.isLeaving = true;
    this.hurry?.();
    if (this.isIn) this.channel.close();
    setTimeout(() => this.frames.fail(new Fault("You have left.")), this.isIn ? HANDSHAKE : 0);
  }
}
