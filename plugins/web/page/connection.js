// One connection: frames over a WebSocket, the handshake of plytalk/1, and then items in sealed records.

const SUBPROTOCOL = "plytalk.1";
const MAGIC = bytesOf("PLYTALK1\n"), LABEL = bytesOf("plytalk/1");
const MAX_B = 1379, MOST = 65535, MAX_PREAMBLE = 256;
const HANDSHAKE = 10_000;
const PING_AFTER = 30_000;
const REKEY_RECORDS = 2 ** 20, REKEY_BYTES = 2 ** 30;
const CUT = "The connection was cut.";

/** Frames (u16 length, payload) over a WebSocket. An empty binary message is the end of one direction. */
class Frames {
  constructor(address) {
    this.buffer = NOTHING;
    this.socket = new WebSocket(address, SUBPROTOCOL);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.hear(data);
    this.opened = new Promise((resolve) => (this.socket.onopen = resolve));
    this.socket.onclose = ({ code }) => this.fail(new Fault(code === 1006 ? "Nobody answered, or the connection was cut." : CUT, { retry: true }));
  }

  async open() {
    await Promise.race([this.opened, this.failure()]);
    if (this.socket.protocol !== SUBPROTOCOL) throw new Fault("There is a WebSocket for something else.");
  }

  failure() {
    return new Promise((_, reject) => (this.fault ? reject(this.fault) : (this.reject = reject)));
  }

  hear(data) {
    if (typeof data === "string") return this.fail(malformed("text came instead of bytes"));
    if (!data.byteLength) this.hasEnded = true;
    this.buffer = join(this.buffer, new Uint8Array(data));
    this.wake?.();
  }

  fail(fault) {
    this.fault ??= fault;
    this.wake?.();
    this.reject?.(this.fault);
  }

  /** The next frame, of so many bytes at most; null behind the last one. */
  async receive(most = MOST) {
    for (;;) {
      const size = this.buffer.length > 1 ? numberFrom(this.buffer.subarray(0, 2)) : 0;
      if (this.buffer.length > 1 && (!size || size > most)) throw malformed("a frame has a length that it cannot have");
      if (size && this.buffer.length >= 2 + size) {
        const frame = this.buffer.slice(2, 2 + size);
        this.buffer = this.buffer.subarray(2 + size);
        return frame;
      }
      if (this.hasEnded && !this.buffer.length) return null;
      if (this.fault || this.hasEnded) throw this.fault ?? new Fault(CUT, { retry: true });
      await new Promise((resolve) => (this.wake = resolve));
    }
  }

  async expect(most) {
    const frame = await this.receive(most);
    if (!frame) throw new Fault("The server ended the connection during the handshake.", { retry: true });
    return frame;
  }

  send(frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(join(numberIn(2, frame.length), frame));
  }

  finish() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(NOTHING);
  }

  close() {
    this.socket.close();
  }
}

const canDo = (algorithm, usages) => subtle.generateKey(algorithm, false, usages).then(() => true, () => false);

/** What this browser can do: `agrees` with others, and that also `hybrid`. */
async function abilities() {
  if (!subtle) return { agrees: false, hybrid: false, chacha: false };
  const [dh, signature, kem, chacha] = await Promise.all([
    canDo("X25519", ["deriveBits"]),
    canDo("Ed25519", ["sign"]),
    canDo(KEM, ["decapsulateBits"]),
    canDo(CIPHERS.ChaChaPoly.name, ["encrypt"]),
  ]);
  return { agrees: dh && signature, hybrid: kem, chacha };
}

/** The tokens to offer, best first. */
function tokensFor({ hybrid, classical, chacha, code }) {
  const psk = code ? "psk3" : "", end = code ? "/code" : "";
  const patterns = [...(hybrid ? [`XXhfs${psk && "+"}${psk}_25519+MLKEM768`] : []), ...(classical ? [`XX${psk}_25519`] : [])];
  const ciphers = ["AESGCM", ...(chacha ? ["ChaChaPoly"] : [])];
  return patterns.flatMap((pattern) => ciphers.map((cipher) => `Noise_${pattern}_${cipher}_SHA256${end}`));
}

const listOf = (tokens) => join([tokens.length], ...tokens.flatMap((token) => [[token.length], bytesOf(token)]));

/** The server's preamble: what it has `chosen`, "" for nothing, and all that it knows. */
function readAnswer(raw) {
  let at = 0;
  const token = () => {
    const end = at + 1 + raw[at], found = textOf(raw.slice(at + 1, end));
    if (!(end <= raw.length) || !/^[\w+/]*$/.test(found)) throw malformed("its preamble is cut off");
    at = end;
    return found;
  };
  const chosen = token(), known = Array.from({ length: raw[at++] || 0 }, token);
  const isWhole = at === raw.length && known.length && new Set(known).size === known.length && !known.includes("");
  if (!isWhole || (chosen && !known.includes(chosen))) throw malformed("its preamble is not written as it should be");
  return { chosen, known };
}

function mismatch(offered, known) {
  const asksCode = known.every((token) => token.endsWith("/code"));
  if (asksCode && !offered[0].endsWith("/code")) return new Fault("This server asks for a one-time code.", { asks: "code" });
  if (!asksCode && offered[0].endsWith("/code")) return new Fault("This server asks for no one-time code.", { asks: "code" });
  if (known.some((token) => token.includes("psk3") && !asksCode)) return new Fault("This server asks for a key that a page does not have.");
  const has = known.some((token) => token.includes("hfs")) ? "asks for ML-KEM, which this browser lacks" : "has no post-quantum secrecy, and you did not allow that";
  return new Fault(`This server ${has}.`, { asks: "suite" });
}

/**
 * Agree on keys. `own` is an Identity, `judge` decides about the key that the server shows and may ask a person.
 * What comes back has the two CipherStates, the `hash` of the handshake, the `suite` and the server's `key`.
 */
async function shakeHands(frames, own, offered, code, judge) {
  let timer;
  const watch = () => (timer = setTimeout(() => frames.fail(new Fault("The server did not answer in time.", { retry: true })), HANDSHAKE));
  watch();
  try {
    await frames.open();
    const offer = join(MAGIC, listOf(offered));
    frames.send(offer);
    const answer = await frames.expect(MAX_PREAMBLE), { chosen, known } = readAnswer(answer);
    if (!offered.includes(chosen)) throw mismatch(offered, known);
    const psk = code && (await agreeOnCode(frames, code));
    const { pair, proof } = await own.prove();
    const initiator = new Initiator(chosen.split("/")[0], pair, psk);
    frames.send(await initiator.writeA(join(LABEL, ...[offer, answer].flatMap((part) => [numberIn(2, part.length), part]))));
    const payload = await initiator.readB(await frames.expect(MAX_B)), { rs, symmetric } = initiator;
    if (areSame(rs, pair.public)) throw new Fault("The server shows this side's own key: someone sends our messages back.");
    const key = await identityIn(payload, rs);
    if (areSame(key, own.key)) throw new Fault("The server shows your own identity: someone sends our messages back.");
    clearTimeout(timer);
    await judge(key);
    watch();
    frames.send(await initiator.writeC(proof));
    const [send, receive] = await symmetric.split();
    return { send, receive, hash: symmetric.h, suite: initiator.name, key };
  } finally {
    clearTimeout(timer);
  }
}

async function agreeOnCode(frames, code) {
  const spake = new Spake2();
  frames.send(await spake.start(code));
  return spake.finish(await frames.expect(33));
}

/** Items in sealed records, over frames and the keys that `shakeHands` agreed on. */
class Channel {
  constructor(frames, keys) {
    Object.assign(this, { frames, keys, unpacker: new Unpacker() });
    this.sent = this.received = this.messages = 0;
    this.counts = { send: { records: 0, bytes: 0 }, receive: { records: 0, bytes: 0 } };
    this.out = Promise.resolve();
    this.heardAt = Date.now();
  }

  /** Send items, behind all that was sent before. */
  send(...items) {
    this.out = this.out.then(() => this.sealAll(items)).catch((fault) => this.frames.fail(fault));
    return this.out;
  }

  async sealAll(items) {
    for (const record of pack(items)) {
      await this.countRecord("send", record.length + TAG);
      this.sent++;
      this.frames.send(await this.keys.send.seal(record));
    }
  }

  /** Say goodbye behind all that was said. */
  close() {
    return (this.out = this.out.then(() => this.sealAll([[CLOSE, join([0], numberIn(8, this.sent))]])));
  }

  /** The items of the next record; null behind the last one. */
  async receive() {
    const frame = await this.frames.receive();
    if (!frame) return null;
    await this.countRecord("receive", frame.length);
    const items = this.unpacker.unpack(await this.keys.receive.open(frame));
    this.heardAt = Date.now();
    this.received++;
    return items;
  }

  /** Rekey a direction before the record that would follow so many. */
  async countRecord(way, size) {
    const count = this.counts[way];
    if (count.records >= REKEY_RECORDS || count.bytes >= REKEY_BYTES) {
      await this.keys[way].rekey();
      this.counts[way] = { records: 0, bytes: 0 };
    }
    this.counts[way].records++;
    this.counts[way].bytes += size;
  }

  /** The number of records that came before the `close` which this body is. */
  isCountedRight(body) {
    return numberFrom(body.slice(1, 9)) === this.received - 1;
  }

  /** Prove that both know the code: each side sends its binding, and expects the same. */
  async proveCode() {
    const binding = await hkdf(NOTHING, this.keys.hash, bytesOf("plytalk/1 binding code"), 32);
    await this.send([CONTROL, binding]);
    const items = await this.receive();
    this.refuseIfClosed(items);
    if (items?.length !== 1 || items[0][0] !== CONTROL || !areSame(items[0][1], binding)) throw new Fault("The code is not right.", { asks: "code" });
  }

  refuseIfClosed(items) {
    const goodbye = items?.find(([type]) => type === CLOSE);
    if (goodbye) throw endingBy(goodbye[1]);
  }
}

const ENDINGS = [
  "The server said goodbye.", "You were removed from the server.", "You are banned from this server.", "The server was stopped.",
  "The server does not let you in.", "You were removed from the server: this page did not read what it was sent.",
  "You were removed from the server: it is full and you were idle.", "The server has no room just now.",
];
const BACK_AFTER = [0, 3, 5, 7];

/** The ending that a server's goodbye brings. */
function endingBy(body) {
  if (body.length < 9 || body.length > 521) throw malformed("a goodbye is not written as it should be");
  const reason = body[0] < ENDINGS.length ? body[0] : 0, sentence = clean(textOf(body.slice(9)));
  const said = sentence && (reason === 4 || reason === 7) ? `The server says: ${sentence}` : sentence || ENDINGS[reason];
  return new Fault(said, { retry: BACK_AFTER.includes(reason) });
}
