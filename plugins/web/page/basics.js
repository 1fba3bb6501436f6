"use strict";
// Bytes, what went wrong, and the functions of WebCrypto that the rest is made of. The scripts of this page run in the order
// in which page.html names them, and share one scope.

const subtle = globalThis.crypto?.subtle;
const NOTHING = new Uint8Array(0);

/** What ends a connection. `retry`: whether to connect again; `asks`: the field with which the user can do something about it. */
class Fault extends Error {
  constructor(sentence, more) {
    super(sentence);
    Object.assign(this, more);
  }
}

const bytesOf = (text) => new TextEncoder().encode(text);
const textOf = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const fromHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const base64 = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
const areSame = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A number in this many bytes, big-endian. */
function numberIn(size, value) {
  const bytes = new Uint8Array(size);
  for (let at = size, rest = BigInt(value); at--; rest >>= 8n) bytes[at] = Number(rest & 255n);
  return bytes;
}

const numberFrom = (bytes) => bytes.reduce((value, byte) => value * 256 + byte, 0);
const sha256 = async (...parts) => new Uint8Array(await subtle.digest("SHA-256", join(...parts)));

/** RFC 5869. */
async function hkdf(salt, material, info, length) {
  const key = await subtle.importKey("raw", material, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, length * 8));
}

/** `SHA256:...` of an Ed25519 public key, as `ssh-keygen -l` shows it. */
async function fingerprintOf(key) {
  const type = bytesOf("ssh-ed25519");
  return `SHA256:${base64(await sha256(numberIn(4, type.length), type, numberIn(4, key.length), key))}`;
}
