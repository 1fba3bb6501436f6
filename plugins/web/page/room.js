// A member of a room, over as many connections as it takes: what was said and not acknowledged is kept and said again.

const WAITS = [0.5, 1, 2, 4, 8, 15, 30]; // seconds before each try to connect again
const SAID = 1, DID = 2, JOINED = 3, LEFT = 4, RENAMED = 5, TOPIC = 6, TOLD = 7, OTHER = 8, MODERATED = 9;
const MARKS = [[2, "not authenticated"], [4, "not encrypted"]];
const GOODBYE = 10_000;

/** What happened in a room, as it stands in an item of type 9. */
function readEvent(body) {
  const view = new DataView(body.buffer, body.byteOffset, body.length), size = body[18];
  const at = 19 + size, end = at + 1 + body[at];
  if ((size && size !== 32) || !(end <= body.length)) throw malformed("an event is not written as it should be");
  const id = Number(view.getBigUint64(0)), time = Number(view.getBigUint64(8)), kind = body[16], marks = body[17];
  const key = size ? `SHA256:${base64(body.slice(19, at))}` : null;
  const shown = MARKS.filter(([bit]) => marks & bit).map(([, words]) => words);
  return { id, time, kind, marks: shown, key, name: textOf(body.slice(at + 1, end)), text: textOf(body.slice(end)) };
}

function readObject(text) {
  try {
    const said = JSON.parse(text);
    return said && typeof said === "object" && !Array.isArray(said) ? said : {};
  } catch {
    return {};
  }
}

const count = (value) => (Number.isInteger(value) && value > 0 ? value : 0);

/**
 * `view` shows what happens: status, tell, fail, enter, happen, closed, letIn. `wanted` is what the user asks for: address, room,
 * name, code, classical. `judge` decides about a server's key.
 */
class RoomMember {
  constructor(view, identity, wanted, judge, earlier = {}) {
    Object.assign(this, { view, identity, wanted, judge });
    this.instance = earlier.instance ?? hexOf(randomBytes(16));
    this.epoch = earlier.epoch ?? "";
    this.room = earlier.room ?? "";
    this.name = earlier.name ?? "";
    this.last = this.taken = this.sent = this.tries = this.since = 0;
    this.kept = [];
  }

  /** Talk until it is over for good. */
  async run() {
    for (;;) {
      const ending = await this.talk().catch((fault) => this.note(fault));
      this.isIn = false;
      this.channel = null;
      if (!ending.retry || this.isLeaving || (this.tries >= WAITS.length && this.wasTold)) return this.view.closed(ending);
      if (!this.wasIn && !this.wasAsked) return this.view.closed(ending);
      await this.wait(ending);
      if (this.isLeaving) return this.view.closed(new Fault("You have left."));
    }
  }

  note(fault) {
    if (!(fault instanceof Fault)) console.error(fault);
    return fault instanceof Fault ? fault : new Fault("This page made a mistake, and has stopped. Load it again.");
  }

  async wait(ending) {
    const seconds = this.wasAsked ? 0 : WAITS[Math.min(this.tries++, WAITS.length - 1)];
    this.wasAsked = false;
    this.view.status("away", `${ending.message} Trying again${seconds ? ` in ${Math.ceil(seconds)} s` : ""}.`);
    await new Promise((resolve) => {
      this.hurry = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }

  /** Everything over one connection: how it ended. */
  async talk() {
    this.view.status("busy", "Connecting.");
    const { address, code, ...allowed } = this.wanted, frames = new Frames(address);
    const offered = tokensFor({ ...allowed, code: Boolean(code) });
    let watch;
    try {
      const keys = await shakeHands(frames, this.identity, offered, code, this.ask.bind(this));
      const channel = (this.channel = new Channel(frames, keys));
      await this.beLetIn(channel, code);
      this.join(channel);
      watch = setInterval(() => this.lookAfter(channel), PING_AFTER / 3);
      return await this.listen(channel);
    } finally {
      clearInterval(watch);
      frames.close();
    }
  }

  /** The server waits only so long: where the question took a person longer, connect again at once. */
  async ask(key) {
    const before = Date.now();
    await this.judge(key);
    this.wasAsked = Date.now() - before > HANDSHAKE / 2;
  }

  async beLetIn(channel, code) {
    const silent = new Fault(code ? "The code is not right, or someone is between you and the server." : "The server did not let this page in: it may be full.", { asks: code ? "code" : "" });
    const timer = setTimeout(() => channel.frames.fail(silent), HANDSHAKE);
    try {
      if (code) await channel.proveCode();
      const items = await channel.receive();
      if (!items) throw silent;
      channel.refuseIfClosed(items);
      this.first = items;
    } catch (fault) {
      throw code && fault.retry && !this.wasAsked ? silent : fault;
    } finally {
      clearTimeout(timer);
    }
    this.wanted.code = ""; // it is good for one conversation
  }

  join(channel) {
    const request = { do: "join", instance: this.instance };
    if (this.room || this.wanted.room) request.room = this.room || this.wanted.room;
    if (this.name || this.wanted.name) request.name = this.name || this.wanted.name;
    if (this.epoch) request.resume = { epoch: this.epoch, last: this.last };
    this.sent = this.kept.length; // over earlier connections
    channel.send([ROOM, bytesOf(JSON.stringify(request))], [PING, NOTHING]);
    this.view.letIn(channel.keys);
  }

  async listen(channel) {
    for (let items = this.first; items; items = await channel.receive()) {
      for (const [type, body] of items) {
        this.hear(channel, type, body);
        if (this.ending) return this.part(channel);
      }
    }
    throw new Fault(CUT, { retry: true });
  }

  hear(channel, type, body) {
    if (type === PING) channel.send([PONG, body]);
    else if (type === PONG) this.isIn || this.find(channel);
    else if (type === ACK) this.acknowledge(numberFrom(body));
    else if (type === MESSAGE) this.line(channel, body);
    else if (type === ROOM) this.said(channel, readObject(textOf(body)));
    else if (type === EVENT) this.event(readEvent(body));
    else if (type === CLOSE) {
      if (!channel.isCountedRight(body)) throw malformed("its goodbye counts other records than those that came");
      this.ending = endingBy(body);
    }
  }

  /** A goodbye came: acknowledge it like one message more, say ours where that has not been done, and end. */
  async part(channel) {
    const { ending } = this;
    this.ending = null;
    channel.send([ACK, numberIn(8, channel.messages + 1)]);
    await (this.isLeaving ? channel.out : channel.close());
    channel.frames.finish();
    this.wasTold = true;
    return this.isLeaving ? new Fault("You have left.") : ending;
  }

  // -- in the room ----------------------------------------------------------------------------------------------------------

  said(channel, said) {
    const known = cleaned(said);
    if (said.do === "welcome") this.welcome(channel, said, known);
    else if (said.do === "you") this.meet(said, known);
    else if (said.do === "tell") this.view.tell([known.text]);
    else if (said.do === "result") this.view.tell(Array.isArray(known.lines) ? known.lines : []);
    else if (said.do === "error") this.view.fail(`${known.text} ${known.hint ?? ""}`.trim());
  }

  meet(said, known) {
    this.name = String(said.you ?? "");
    this.view.enter(known);
    if (known.why) this.view.tell([known.why]);
  }

  welcome(channel, said, known) {
    const next = count(said.next) || 1, isBack = said.epoch === this.epoch && said.room === this.room;
    if (!this.isIn) this.arrive(said);
    this.now = count(said.now) || next;
    Object.assign(this, { room: String(said.room), epoch: String(said.epoch), last: next - 1, tries: 0, wasTold: false });
    this.key = said.key ?? null;
    this.meet(said, known);
    this.view.keep({ instance: this.instance, epoch: this.epoch, room: this.room, name: this.name });
    if (!isBack || !this.isIn) this.view.status("in", "Connected.");
    if (!this.isIn) {
      this.isIn = this.wasIn = true;
      for (const line of this.kept) channel.send([MESSAGE, bytesOf(line)]);
      this.view.waiting(0);
    }
    if (this.isLeaving) channel.close();
  }

  /** The first welcome of a connection: what the server has of what was said before. */
  arrive(said) {
    const taken = count(said.taken);
    if (!this.epoch || (said.epoch === this.epoch && taken >= this.taken)) {
      this.acknowledge(taken);
    } else {
      if (this.sent) this.view.tell([`The server was restarted: your last ${this.sent === 1 ? "line" : `${this.sent} lines`} may not have arrived.`]);
      this.kept.splice(0, this.sent);
    }
    this.taken = taken;
    if (this.epoch && said.missed) {
      this.view.tell([`${said.epoch === this.epoch ? "You were away too long" : "The server was restarted"}: some of what was said meanwhile is missing here.`]);
    }
  }

  acknowledge(taken) {
    const newly = Math.min(Math.max(taken - this.taken, 0), this.kept.length);
    this.kept.splice(0, newly);
    this.taken += newly;
    this.sent = Math.max(this.sent - newly, 0);
  }

  event(event) {
    if (event.id && event.id <= this.last) return;
    this.last = event.id || this.last;
    const isOwn = event.key ? event.key === this.identity.fingerprint : event.name === this.name;
    if (event.kind === RENAMED && isOwn && event.name === this.name && event.id >= this.now) this.name = event.text;
    this.view.happen({ ...event, isOwn, isEarlier: event.id < this.now, details: cleaned(readObject(event.text)) });
  }

  /** A line of a server that has no rooms. */
  line(channel, body) {
    channel.messages++;
    channel.send([ACK, numberIn(8, channel.messages)]);
    this.view.tell([clean(textOf(body))]);
  }

  /** The server has read the request to join, and said no welcome. */
  find(channel) {
    this.isIn = this.wasIn = true;
    this.view.status("in", "Connected to a server without rooms.");
    for (const line of this.kept) channel.send([MESSAGE, bytesOf(line)]);
  }

  // -- what the user does ---------------------------------------------------------------------------------------------------

  say(line) {
    this.kept.push(line);
    if (this.isIn) this.channel.send([MESSAGE, bytesOf(line)]);
    else this.view.waiting(this.kept.length);
  }

  leave() {
    this.isLeaving = true;
    this.hurry?.();
    if (!this.channel) return;
    const { channel } = this;
    if (this.isIn) channel.close();
    setTimeout(() => channel.frames.fail(new Fault("You have left. The server did not answer.")), this.isIn ? GOODBYE : 0);
  }

  /** Ping a server that is silent, and let go of one that does not answer. */
  lookAfter(channel) {
    const silent = Date.now() - channel.heardAt;
    if (silent >= 2 * PING_AFTER) channel.frames.fail(new Fault("The server does not answer.", { retry: true }));
    else if (silent >= PING_AFTER) channel.send([PING, NOTHING]);
  }
}
