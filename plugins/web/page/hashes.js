// BLAKE2b (RFC 7693) and BLAKE3, keyed with a label and with 32 bytes of output, for the hash tree of files.

const IV = Uint32Array.of(
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
); // eight numbers of 64 bits, each as its lower and its upper half: the upper halves are BLAKE3's
const SHORT_IV = IV.filter((_, at) => at % 2);
const digitsOf = (row) => [...row].map((digit) => parseInt(digit, 16));
const SIGMA = [
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d", "2c6a0b834d75fe19",
  "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0", "0123456789abcdef", "ea489fd61c02b753",
].map(digitsOf);
const MIXES = Uint8Array.from(digitsOf("048c159d26ae37bf05af16bc278d349e")); // four places for each step: columns, then diagonals
const TAKES = digitsOf("263a704d1bc59ef8"); // BLAKE3's order of words, from each round to the next
const ROUNDS = [digitsOf("0123456789abcdef")];
while (ROUNDS.length < 7) ROUNDS.push(TAKES.map((from) => ROUNDS.at(-1)[from]));
const CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8, KEYED = 16;

/** The key that a label is: zeros up to 32 bytes. */
const keyOf = (label) => join(bytesOf(label), new Uint8Array(32 - label.length));
const wordsOf = (bytes) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4); // all machines with a browser are little-endian

function blake2b(label, content) {
  const h = IV.slice(), v = new Uint32Array(32), block = new Uint8Array(128), m = wordsOf(block), whole = 128 + content.length;
  h[0] ^= 0x01012020; // one tree of depth one, a key of 32 bytes, 32 bytes of output
  block.set(keyOf(label));
  for (let end = 128; ; end += 128) {
    const isLast = end >= whole;
    v.set(h);
    v.set(IV, 16);
    v[24] ^= isLast ? whole : end;
    if (isLast) [v[28], v[29]] = [~v[28], ~v[29]];
    for (const row of SIGMA) for (let at = 0; at < 16; at += 2) mixLong(v, 2 * at, m, 2 * row[at], 2 * row[at + 1]);
    for (let at = 0; at < 16; at++) h[at] ^= v[at] ^ v[at + 16];
    if (isLast) return new Uint8Array(h.buffer, 0, 32);
    block.fill(0);
    block.set(content.subarray(end - 128, end));
  }
}

/** G of BLAKE2b on halves: the places of its four words are in MIXES, `x` and `y` are those of two words of the block. */
function mixLong(v, step, m, x, y) {
  const a = 2 * MIXES[step], b = 2 * MIXES[step + 1], c = 2 * MIXES[step + 2], d = 2 * MIXES[step + 3];
  addLong(v, a, v[b], v[b + 1], m[x], m[x + 1]);
  turnLong(v, d, a, 32);
  addLong(v, c, v[d], v[d + 1], 0, 0);
  turnLong(v, b, c, 24);
  addLong(v, a, v[b], v[b + 1], m[y], m[y + 1]);
  turnLong(v, d, a, 16);
  addLong(v, c, v[d], v[d + 1], 0, 0);
  turnLong(v, b, c, 63);
}

function addLong(v, at, low, high, moreLow, moreHigh) {
  const sum = v[at] + low + moreLow;
  v[at] = sum;
  v[at + 1] += high + moreHigh + Math.floor(sum / 2 ** 32);
}

/** XOR with another number, and turn right. */
function turnLong(v, at, other, by) {
  const low = v[at] ^ v[other], high = v[at + 1] ^ v[other + 1], rest = by % 32;
  const one = by < 32 ? low : high, two = by < 32 ? high : low;
  v[at] = rest ? (one >>> rest) | (two << (32 - rest)) : one;
  v[at + 1] = rest ? (two >>> rest) | (one << (32 - rest)) : two;
}

function blake3(label, content) {
  const key = wordsOf(keyOf(label));
  const node = (part, first, flags) => {
    if (part.length <= 1024) return chunk(part, first, flags);
    const left = 2 ** Math.ceil(Math.log2(part.length / 1024) - 1), m = new Uint32Array(16);
    m.set(node(part.subarray(0, left * 1024), first, 0));
    m.set(node(part.subarray(left * 1024), first + left, 0), 8);
    return compress(key, m, 0, 64, PARENT | KEYED | flags);
  };
  const chunk = (part, number, flags) => {
    let cv = key;
    for (let at = 0, flag = CHUNK_START; ; at += 64, flag = 0) {
      const block = new Uint8Array(64), size = Math.min(part.length - at, 64), isLast = at + 64 >= part.length;
      block.set(part.subarray(at, at + size));
      cv = compress(cv, wordsOf(block), number, size, flag | KEYED | (isLast ? CHUNK_END | flags : 0));
      if (isLast) return cv;
    }
  };
  return new Uint8Array(node(content, 0, ROOT).buffer, 0, 32);
}

function compress(cv, m, counter, size, flags) {
  const v = new Uint32Array(16);
  v.set(cv);
  v.set(SHORT_IV.subarray(0, 4), 8);
  v[12] = counter;
  v[14] = size;
  v[15] = flags;
  for (const row of ROUNDS) for (let at = 0; at < 16; at += 2) mixShort(v, 2 * at, m[row[at]], m[row[at + 1]]);
  for (let at = 0; at < 8; at++) v[at] ^= v[at + 8];
  return v.subarray(0, 8);
}

function mixShort(v, step, x, y) {
  const a = MIXES[step], b = MIXES[step + 1], c = MIXES[step + 2], d = MIXES[step + 3];
  v[a] += v[b] + x;
  v[d] = turn(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = turn(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = turn(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = turn(v[b] ^ v[c], 7);
}

const turn = (word, by) => (word >>> by) | (word << (32 - by));

const HASHES = { blake2b, blake3 };
