// One connection: frames over a WebSocket, the handshake of plytalk/1, and then items in sealed records.

const SUBPROTOCOL = "plytalk.1";
const MAGIC = bytesOf("PLYTALK1\n"), LABEL = bytesOf("plytalk/1");
const HANDSHAKE = 10_000;
const MOST = 65_536; // bytes of a WebSocket message

const cut = (sentence = "The connection was cut.") => new Fault(sentence, { retry: true });
const usedUp = ({ message }) => new Fault(`${message} A code works once: ask for a new one.`, { asks: "code" });

/** Frames (u16 length, payload) over a WebSocket. An empty binary message is the end of one direction. */
class Frames {
  buffer = NOTHING;

  constructor(address) {
    try {
      this.socket = new WebSocket(address, SUBPROTOCOL);
    } catch {
      throw new Fault("This page cannot connect to that address.");
    }
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.wake?.();
    this.socket.onclose = () => this.fail(cut(this.isOpen ? undefined : "Nobody answers there."));
    this.socket.onmessage = ({ data }) => {
      if (!data.byteLength) return this.fail(typeof data === "string" ? malformed() : cut());
      this.buffer = join(this.buffer, new Uint8Array(data));
      this.wake?.();
    };
  }

  fail(fault) {
    this.fault ??= fault;
    this.wake?.();
  }

  /** Fail with this sentence, unless this is called again in time. Without a sentence there is no limit. */
  limit(sentence) {
    clearTimeout(this.timer);
    if (sentence) this.timer = setTimeout(() => this.fail(cut(sentence)), HANDSHAKE);
  }

  /** Wait until something comes. Throws where nothing more can. */
  async change() {
    if (this.fault) throw this.fault;
    await new Promise((resolve) => (this.wake = resolve));
  }

  async open() {
    while (this.socket.readyState !== WebSocket.OPEN) await this.change();
    this.isOpen = true;
  }

  /** The next frame, of at most this many bytes. */
  async receive(most = 65535) {
    for (;;) {
      if (this.buffer.length > 1) {
        const end = 2 + numberFrom(this.buffer.subarray(0, 2));
        if (end === 2 || end > 2 + most) throw malformed();
        if (this.buffer.length >= end) {
          const frame = this.buffer.slice(2, end);
          this.buffer = this.buffer.subarray(end);
          return frame;
        }
      }
      await this.change();
    }
  }

  /** Send a frame; nothing for the end. */
  send(frame) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const data = frame ? join(numberIn(2, frame.length), frame) : NOTHING;
    let at = 0;
    do this.socket.send(data.subarray(at, (at += MOST)));
    while (at < data.length);
  }
}

const canDo = (algorithm, usage) => subtle.generateKey(algorithm, false, [usage]).then(() => true, () => false);

/** What this browser can do: agree with others at all, that with post-quantum secrecy, and the second cipher. */
async function abilities() {
  if (!subtle) return {};
  const [dh, signs, hybrid, chacha] = await Promise.all([
    canDo("X25519", "deriveBits"), canDo("Ed25519", "sign"), canDo(KEM, "decapsulateBits"), canDo(CIPHERS.ChaChaPoly.name, "encrypt"),
  ]);
  return { agrees: dh && signs, hybrid, chacha };
}

/** The tokens to offer, best first. */
function tokensFor({ hybrid, classical, chacha, code, secret }) {
  const psk = code || secret ? "psk3" : "";
  const patterns = [hybrid && `XXhfs${psk && "+psk3"}_25519+MLKEM768`, classical && `XX${psk}_25519`];
  const ciphers = ["AESGCM", chacha && "ChaChaPoly"];
  return patterns.flatMap((pattern) => ciphers.map((cipher) => pattern && cipher && `Noise_${pattern}_${cipher}_SHA256${code && "/code"}`)).filter(Boolean);
}

const listOf = (tokens) => join([tokens.length], ...tokens.flatMap((token) => [[token.length], bytesOf(token)]));

/** The server's preamble: what it has chosen, "" for nothing, and all that it knows. */
function readAnswer(raw) {
  let at = 0;
  const token = () => textOf(raw.slice(at + 1, (at += 1 + raw[at])));
  const chosen = token(), known = Array.from({ length: raw[at++] || 0 }, token);
  const isWhole = at === raw.length && known.length && new Set(known).size === known.length && known.every((one) => /^[\w+/]+$/.test(one));
  if (!isWhole || (chosen && !known.includes(chosen))) throw malformed();
  return { chosen, known };
}

const secretOf = (token) => (token.endsWith("/code") ? "a one-time code" : token.includes("psk3") ? "a pre-shared key" : "no code or key");

/** Why nothing was chosen, out of what was offered and what the server knows. */
function mismatch([offered], [known]) {
  if (secretOf(known) !== secretOf(offered)) return new Fault(`This server asks for ${secretOf(known)}.`, { asks: "code" });
  const advice = known.includes("hfs") ? "This browser lacks that: use Chromium or the program chat" : "You can accept that below";
  return new Fault(`This server asks for ${known}. ${advice}.`, { asks: "classical" });
}

/**
 * Agree on keys, with what is `wanted`. `own` is an Identity; `judge` decides about the server's key, and may ask a person.
 * What comes back has the two CipherStates, the `hash` of the handshake, the `suite` and the server's `key`.
 */
async function shakeHands(frames, own, wanted, judge) {
  const offered = tokensFor(wanted), { code, secret } = wanted;
  frames.limit("The server does not answer.");
  await frames.open();
  const offer = join(MAGIC, listOf(offered));
  frames.send(offer);
  const answer = await frames.receive(256), { chosen, known } = readAnswer(answer);
  if (!offered.includes(chosen)) throw mismatch(offered, known);
  const psk = code ? await agreeOnCode(frames, code) : secret, { pair, proof } = await own.prove();
  const initiator = new Initiator(chosen.split("/")[0], pair, psk);
  frames.send(await initiator.writeA(join(LABEL, ...[offer, answer].flatMap((part) => [numberIn(2, part.length), part]))));
  const payload = await initiator.readB(await frames.receive(1379)), { rs, symmetric, name } = initiator;
  const key = await identityIn(payload, rs);
  if (areSame(rs, pair.public) || areSame(key, own.key)) throw new Fault("The server shows your own key.");
  frames.limit();
  await judge(key);
  frames.send(await initiator.writeC(proof));
  const [send, receive] = await symmetric.split();
  return { send, receive, hash: symmetric.h, suite: name, key };
}

async function agreeOnCode(frames, code) {
  const spake = new Spake2();
  frames.send(await spake.start(code));
  return spake.finish(await frames.receive(33).catch((fault) => {
    throw usedUp(fault);
  }));
}

/** Items in sealed records, over frames and the keys that `shakeHands` agreed on. `messages` counts those that were taken. */
class Channel {
  sent = 0;
  looks = 0; // calls of `look` since something came
  messages = 0;
  out = Promise.resolve();
  unpacker = new Unpacker();

  constructor(frames, keys) {
    Object.assign(this, { frames, keys });
  }

  /** Send items behind all that was sent before. */
  send(...items) {
    return this.after(() => this.seal(items));
  }

  /** Say goodbye behind all that was said. */
  close() {
    return this.after(() => this.seal([[CLOSE, join([0], numberIn(8, this.sent))]]));
  }

  after(step) {
    return (this.out = this.out.then(step).catch((fault) => this.frames.fail(fault)));
  }

  async seal(items) {
    for (const record of pack(items)) {
      this.sent++;
      this.frames.send(await this.keys.send.seal(record));
    }
  }

  /** Ping a silent server, and give up one that does not answer. It counts calls, since a clock can be set, and windows sleep. */
  look() {
    this.looks++;
    if (this.looks === 2) this.send([PING, NOTHING]);
    else if (this.looks > 2) this.frames.fail(cut("The server does not answer."));
  }

  /** The items of the next record. */
  async receive() {
    const items = this.unpacker.unpack(await this.keys.receive.open(await this.frames.receive()));
    this.looks = 0;
    return items;
  }
}
