// Arithmetic on Ed25519's curve (RFC 8032 section 5.1), for two things that WebCrypto does not do: refusing keys that nobody
// honest has, and SPAKE2. It takes different times for different numbers: those are of one connection, or of a one-time code.

const PRIME = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN = 1n << 255n;

const mod = (value, by = PRIME) => ((value % by) + by) % by;

function power(base, exponent) {
  let found = 1n;
  for (base = mod(base); exponent; exponent >>= 1n, base = mod(base * base)) if (exponent & 1n) found = mod(found * base);
  return found;
}

const inverse = (value) => power(value, PRIME - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_1 = power(2n, (PRIME - 1n) / 4n);

const little = (bytes) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** A point in extended coordinates (X, Y, Z, T); null for bytes that are none, or not written as a point has to be. */
function pointFrom(bytes) {
  const y = little(bytes) & (SIGN - 1n);
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (PRIME + 3n) / 8n);
  if (mod(x * x - square)) x = mod(x * ROOT_OF_MINUS_1);
  if (mod(x * x - square) || y >= PRIME) return null;
  if ((x & 1n) !== little(bytes) >> 255n) x = PRIME - x;
  return [x, y, 1n, mod(x * y)];
}

function bytesOfPoint([x, y, z]) {
  const scale = inverse(z);
  const sign = mod(x * scale) & 1n ? SIGN : 0n;
  return numberIn(32, mod(y * scale) | sign).reverse();
}

/** add-2008-hwcd-3 of the Explicit-Formulas Database: it fits every two points. */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, point) {
  let found = [0n, 1n, 1n, 0n];
  for (; scalar; scalar >>= 1n, point = add(point, point)) if (scalar & 1n) found = add(found, point);
  return found;
}

/**
 * Whether 32 bytes can be somebody's Ed25519 key. Chromium takes numbers that are not reduced, and points of small order, under
 * which a signature that fits every message can be written down.
 */
function isUsableKey(bytes) {
  const point = pointFrom(bytes);
  return point && !isZero(times(8n, point));
}

const isZero = ([x, y, z]) => mod(x) === 0n && mod(y - z) === 0n;

const BASE = pointFrom(fromHex("58" + "66".repeat(31)));
const M = pointFrom(fromHex("15cfd18e385952982b6a8f8c7854963b58e34388c8e6dae891db756481a02312"));
const N = pointFrom(fromHex("f04f2e7eb734b2a8f8b472eaf9c3c632576ac64aea650b496a8a20ff00e583c3"));

/** SPAKE2 as the client: what it sends, and the key that the server's element makes of it (docs/protocol.md, section 7). */
class Spake2 {
  async start(code) {
    this.code = bytesOf(code);
    this.w = mod(little((await hkdf(NOTHING, this.code, bytesOf("SPAKE2 pw"), 48)).reverse()), ORDER);
    this.x = mod(little(crypto.getRandomValues(new Uint8Array(64))), ORDER);
    this.own = bytesOfPoint(add(times(this.x, BASE), times(this.w, M)));
    return join(bytesOf("A"), this.own);
  }

  async finish(message) {
    const theirs = message.slice(1), point = this.checked(message[0], theirs);
    const shared = times(this.x, add(point, times(ORDER - this.w, N)));
    const hashes = ["plytalk/1 client", "plytalk/1 server"].map((name) => sha256(bytesOf(name)));
    return sha256(await sha256(this.code), ...(await Promise.all(hashes)), this.own, theirs, bytesOfPoint(shared));
  }

  checked(side, theirs) {
    const point = side === 0x42 && theirs.length === 32 && !areSame(theirs, this.own) && pointFrom(theirs);
    if (point && !isZero(point) && isZero(times(ORDER, point))) return point;
    throw malformed();
  }
}
