// Noise (revision 34) as far as the initiator of XX needs it, with ML-KEM-768 (the hfs modifier) and a pre-shared key.

const CIPHERS = {
  AESGCM: { name: "AES-GCM", format: "raw", isLittle: false },
  ChaChaPoly: { name: "ChaCha20-Poly1305", format: "raw-secret", isLittle: true },
};
const KEM = "ML-KEM-768";
const MAX_NONCE = 2n ** 64n - 1n;
const TAG = 16;
const REKEY_AT = { records: 2 ** 20, bytes: 2 ** 30 };

/** A key and its counter (5.1). One call at a time: the order of calls is that of the counter. */
class CipherState {
  n = 0n;

  constructor(raw, cipher) {
    this.cipher = cipher;
    this.renew(raw);
  }

  renew(raw) {
    this.records = this.bytes = 0;
    this.key = subtle.importKey(this.cipher.format, raw, this.cipher.name, false, ["encrypt", "decrypt"]);
  }

  async run(operation, n, data, additionalData = NOTHING) {
    const iv = new Uint8Array(12), { name, isLittle } = this.cipher;
    new DataView(iv.buffer).setBigUint64(4, n, isLittle);
    return new Uint8Array(await subtle[operation]({ name, iv, additionalData }, await this.key, data));
  }

  async seal(plaintext, ad) {
    await this.count(plaintext.length + TAG);
    return this.run("encrypt", this.n++, plaintext, ad);
  }

  async open(sealed, ad) {
    await this.count(sealed.length);
    return this.run("decrypt", this.n++, sealed, ad).catch(() => {
      throw new Fault("What came does not decrypt: someone changed it.");
    });
  }

  /** Rekey() (4.2), before the record that would exceed the limits; the counter goes on (11.3). */
  async count(size) {
    if (this.records >= REKEY_AT.records || this.bytes >= REKEY_AT.bytes) {
      this.renew((await this.run("encrypt", MAX_NONCE, new Uint8Array(32))).slice(0, 32));
    }
    this.records++;
    this.bytes += size;
  }
}

/** The chaining key, the hash, and the key of the moment (5.2). */
class SymmetricState {
  constructor(cipher) {
    this.cipher = CIPHERS[cipher];
  }

  async initialize(name, prologue) {
    const raw = bytesOf(name);
    this.h = this.ck = raw.length > 32 ? await sha256(raw) : join(raw, new Uint8Array(32 - raw.length));
    await this.mixHash(prologue);
  }

  async mixHash(data) {
    this.h = await sha256(this.h, data);
  }

  /** MixKey, or MixKeyAndHash. */
  async mixKey(material, hashes = false) {
    const keys = await hkdf(this.ck, material, NOTHING, hashes ? 96 : 64);
    this.ck = keys.slice(0, 32);
    if (hashes) await this.mixHash(keys.slice(32, 64));
    this.state = new CipherState(keys.slice(-32), this.cipher);
  }

  async encryptAndHash(plaintext) {
    const sealed = this.state ? await this.state.seal(plaintext, this.h) : plaintext;
    await this.mixHash(sealed);
    return sealed;
  }

  async decryptAndHash(sealed) {
    const plaintext = this.state ? await this.state.open(sealed, this.h) : sealed;
    await this.mixHash(sealed);
    return plaintext;
  }

  async split() {
    const keys = await hkdf(this.ck, NOTHING, NOTHING, 64);
    return [keys.slice(0, 32), keys.slice(32)].map((key) => new CipherState(key, this.cipher));
  }
}

const rawOf = async (key, format = "raw") => new Uint8Array(await subtle.exportKey(format, key));

/** An X25519 key pair: the private key, and the public key's bytes. */
async function newPair() {
  const pair = await subtle.generateKey("X25519", false, ["deriveBits"]);
  return { private: pair.privateKey, public: await rawOf(pair.publicKey) };
}

/** X25519. Throws for a point of low order, whose result is zeros. */
async function dh(own, theirs) {
  try {
    const key = await subtle.importKey("raw", theirs, "X25519", true, []);
    const shared = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: key }, own.private, 256));
    if (shared.some(Boolean)) return shared;
  } catch {
    // so a browser says the same
  }
  throw new Fault("The server's key cannot keep a secret.");
}

/** The initiator of a handshake. `name` is the Noise protocol name, `s` the static pair, `psk` 32 bytes or empty. */
class Initiator {
  constructor(name, s, psk) {
    Object.assign(this, { name, s, psk, isHybrid: name.includes("hfs") });
    this.symmetric = new SymmetricState(name.split("_")[3]);
  }

  async mixEphemeral(key) {
    await this.symmetric.mixHash(key);
    if (this.psk) await this.symmetric.mixKey(key); // 9.2
  }

  /** -> e [, e1] */
  async writeA(prologue) {
    await this.symmetric.initialize(this.name, prologue);
    this.e = await newPair();
    await this.mixEphemeral(this.e.public);
    const parts = [this.e.public];
    if (this.isHybrid) {
      this.e1 = await subtle.generateKey(KEM, false, ["decapsulateBits"]);
      parts.push(await this.symmetric.encryptAndHash(await rawOf(this.e1.publicKey, "raw-public")));
    }
    return join(...parts, await this.symmetric.encryptAndHash(NOTHING));
  }

  /** <- e, ee [, ekem1], s, es: the payload. The sender's static key is in `rs`. */
  async readB(message) {
    let at = 0;
    const take = (size) => message.slice(at, (at += size)); // too short a message has no key, or does not decrypt
    const re = (this.re = take(32));
    await this.mixEphemeral(re);
    await this.symmetric.mixKey(await dh(this.e, re));
    if (this.isHybrid) await this.symmetric.mixKey(await this.decapsulate(take(1088 + TAG)));
    this.rs = await this.symmetric.decryptAndHash(take(32 + TAG));
    await this.symmetric.mixKey(await dh(this.e, this.rs));
    return this.symmetric.decryptAndHash(message.slice(at));
  }

  /** The ciphertext was sealed before its secret is mixed in (hfs, section 4). */
  async decapsulate(sealed) {
    const ciphertext = await this.symmetric.decryptAndHash(sealed);
    return new Uint8Array(await subtle.decapsulateBits(KEM, this.e1.privateKey, ciphertext));
  }

  /** -> s, se [, psk] */
  async writeC(payload) {
    const s = await this.symmetric.encryptAndHash(this.s.public);
    await this.symmetric.mixKey(await dh(this.s, this.re));
    if (this.psk) await this.symmetric.mixKey(this.psk, true);
    return join(s, await this.symmetric.encryptAndHash(payload));
  }
}
