// One file that comes or goes (docs/protocol.md, section 9).

const SAY = 0, OPEN = 1, CREDIT = 2, STOP = 3, PROOF = 4, DATA = 5, END = 6, FAIL = 7;
const CHUNK = 262_144, PER_BLOCK = 1024, BLOCK = CHUNK * PER_BLOCK, HASH = 32;
const PIECE = 65_511, WINDOW = 10 * PIECE, GIVE_BACK = 3 * PIECE;
const LARGEST = 2 ** 31; // of what is received: it is kept by the browser until all has come
const MOST_OFFERS = 100;
const AHEAD = MIB; // how many bytes may wait in the WebSocket before data does
const REPLIES = {
  accepted: "accepts", declined: "declines", cancelled: "does not want", done: "has received", failed: "could not receive",
};

const sizeInWords = (size) => {
  const step = size && Math.min(Math.floor(Math.log10(size) / 3), 4);
  return `${(size / 1000 ** step).toFixed(step && 1)} ${[size === 1 ? "byte" : "bytes", "kB", "MB", "GB", "TB"][step]}`;
};
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const damaged = () => new Fault("what came is not what was offered");

/** The leaves of a block, out of its proof. Throws for what does not lead to the root. */
function leavesIn(proof, block, { size, root, hash }) {
  const blocks = Math.ceil(size / BLOCK) * HASH, above = proof.subarray(0, blocks), leaves = proof.subarray(blocks);
  const count = Math.min(PER_BLOCK, Math.ceil(size / CHUNK) - block * PER_BLOCK);
  const isProved = areSame(rootOf(hash, size, above), root) && areSame(HASHES[hash]("block", leaves), above.subarray(block * HASH, (block + 1) * HASH));
  if (leaves.length !== count * HASH || !isProved) throw damaged();
  return leaves;
}

const rootOf = (hash, size, blocks) => HASHES[hash]("root", join(numberIn(8, size), blocks));

/** A file on its way to this user. `at` is how many bytes of it are checked and kept in `blobs`. */
class Incoming {
  at = 0;
  filled = 0;
  blobs = [];
  chunk = new Uint8Array(CHUNK);

  constructor(offer) {
    Object.assign(this, offer);
  }

  /** Ask for what is missing. */
  begin(channel) {
    Object.assign(this, { channel, owed: WINDOW, filled: 0, leaves: null });
    this.send(OPEN, numberIn(4, this.number), numberIn(8, this.at), numberIn(4, WINDOW));
    this.row("receiving");
  }

  send(kind, ...parts) {
    this.channel?.send([FILE, join([kind], numberIn(4, this.number), ...parts)]);
  }

  proof(payload) {
    const block = numberFrom(payload.subarray(0, 4));
    if (block !== Math.floor((this.at + this.filled) / BLOCK)) throw damaged();
    this.leaves = leavesIn(payload.subarray(4), block, this);
  }

  data(payload) {
    this.owed -= payload.length;
    if (this.owed < 0 || !payload.length) throw malformed();
    while (payload.length) {
      const wanted = Math.min(CHUNK, this.size - this.at), part = payload.subarray(0, wanted - this.filled);
      if (!part.length || !this.leaves) throw damaged();
      this.chunk.set(part, this.filled);
      this.filled += part.length;
      payload = payload.subarray(part.length);
      if (this.filled === wanted) this.keep(this.chunk.slice(0, wanted));
    }
    const more = WINDOW - this.owed;
    if (more >= GIVE_BACK) {
      this.owed += more - (more % PIECE);
      this.send(CREDIT, numberIn(4, more - (more % PIECE)));
    }
  }

  keep(chunk) {
    const place = ((this.at / CHUNK) % PER_BLOCK) * HASH;
    if (!areSame(HASHES[this.hash]("chunk", chunk), this.leaves.subarray(place, place + HASH))) throw damaged();
    this.blobs.push(new Blob([chunk]));
    this.at += chunk.length;
    this.filled = 0;
    if (this.at % BLOCK === 0) this.leaves = null;
    this.row(`${Math.floor((100 * this.at) / this.size)} %`);
  }

  /** All has come: give it to the browser, which saves it. */
  save() {
    if (this.at !== this.size || (!this.size && !areSame(rootOf(this.hash, 0, NOTHING), this.root))) throw damaged();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(this.blobs));
    link.download = this.name.replace(/[/\\:]/g, "_").replace(/^\.+/, "") || "file";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
}

/** A file that this user offers, and its hash tree. `streams` are those in which it goes out. */
class Outgoing {
  streams = new Map();

  constructor(number, file, to, row) {
    Object.assign(this, { number, file, to, row, id: crypto.randomUUID() });
  }

  async hash() {
    const { size } = this.file, leaves = [];
    for (let at = 0; at < size; at += CHUNK) {
      leaves.push(blake2b("chunk", await this.read(at, at + CHUNK)));
      if (leaves.length % 16 === 0) this.row(`${Math.floor((100 * at) / size)} % read`), await pause(0);
    }
    this.leaves = join(...leaves);
    this.blocks = NOTHING;
    for (let at = 0; at < this.leaves.length; at += PER_BLOCK * HASH) {
      this.blocks = join(this.blocks, blake2b("block", this.leaves.subarray(at, at + PER_BLOCK * HASH)));
    }
    this.root = rootOf("blake2b", size, this.blocks);
  }

  async read(from, to) {
    return new Uint8Array(await this.file.slice(from, to).arrayBuffer());
  }

  get offer() {
    const { name, size, lastModified } = this.file;
    const file = { name, size, root: btoa(String.fromCharCode(...this.root)), hash: "blake2b", folder: false, head: 0, count: 1, mode: 0o644, mtime: lastModified * 1_000_000 };
    return { do: "offer", number: this.number, id: this.id, file, ...(this.to && { to: this.to }) };
  }

  /** Send a stream from a byte on, as far as there is credit for it. */
  async serve(channel, number, at, credit) {
    const stream = { credit }, { size } = this.file, send = (kind, ...parts) => channel.send([FILE, join([kind], numberIn(4, number), ...parts)]);
    this.streams.set(number, stream);
    for (let proved = -1; at < size && this.streams.get(number) === stream; ) {
      const more = Math.min(size - at, BLOCK - (at % BLOCK)), wanted = Math.min(more, PIECE);
      if (stream.credit < wanted || channel.frames.socket.bufferedAmount > AHEAD) {
        if (channel.frames.fault) return;
        await pause(10);
        continue;
      }
      const block = Math.floor(at / BLOCK), data = await this.read(at, at + wanted);
      if (block !== proved) send(PROOF, numberIn(4, block), this.blocks, this.leaves.subarray(block * PER_BLOCK * HASH, (block + 1) * PER_BLOCK * HASH));
      proved = block;
      await send(DATA, data);
      stream.credit -= wanted;
      at += wanted;
      this.row(`${Math.floor((100 * at) / size)} % sent`);
    }
    if (this.streams.get(number) !== stream) return;
    this.streams.delete(number);
    send(END);
  }
}
