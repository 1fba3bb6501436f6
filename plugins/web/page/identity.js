// An identity: an Ed25519 key that signs the static key of the handshake, and until when that counts.

const HEAD = fromHex("0a2408011220"), MIDDLE = fromHex("1240"), EXPIRY_HEAD = fromHex("c23e48");
const SIGNS = bytesOf("noise-libp2p-static-key:"), DATES = bytesOf("plytalk/1 static key:");
const DAY = 86400;

const proofOf = (key, signed, expiry, dated) => join(HEAD, key, MIDDLE, signed, EXPIRY_HEAD, expiry, dated);
const secondsNow = () => Math.floor(Date.now() / 1000);

/** This browser's identity. `keys` is an Ed25519 pair. */
class Identity {
  constructor(keys, key, fingerprint) {
    Object.assign(this, { keys, key, fingerprint });
  }

  static async of(keys) {
    const key = await rawOf(keys.publicKey);
    return new Identity(keys, key, await fingerprintOf(key));
  }

  /** A new static key for a handshake, and the proof that it is this identity's. */
  async prove() {
    const pair = await newPair(), expiry = numberIn(8, secondsNow() + 2 * DAY);
    return { pair, proof: proofOf(this.key, await this.sign(SIGNS, pair.public), expiry, await this.sign(DATES, pair.public, expiry)) };
  }

  async sign(...parts) {
    return new Uint8Array(await subtle.sign("Ed25519", this.keys.privateKey, join(...parts)));
  }
}

/** The key that signed a static key: throws for anything but the one way of writing that. */
async function identityIn(payload, rs) {
  const at = (from, size) => payload.slice(from, from + size);
  const key = at(6, 32), signed = at(40, 64), expiry = at(107, 8), dated = at(115, 64);
  if (!areSame(payload, proofOf(key, signed, expiry, dated))) throw new Fault("The server's identity is malformed.");
  if (!isUsableKey(key)) throw new Fault("The server's identity is not a usable key.");
  const forged = new Fault("The server's identity is forged.");
  const imported = await subtle.importKey("raw", key, "Ed25519", false, ["verify"]).catch(() => {
    throw forged;
  });
  const isBy = (signature, ...parts) => subtle.verify("Ed25519", imported, signature, join(...parts));
  if (!(await isBy(signed, SIGNS, rs)) || !(await isBy(dated, DATES, rs, expiry))) throw forged;
  const left = numberFrom(expiry) - secondsNow();
  if (left > -DAY && left <= 3 * DAY) return key;
  throw new Fault("The server's key is for another date: compare the clocks.");
}
