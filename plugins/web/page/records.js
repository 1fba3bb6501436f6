// Records: items, and zeros up to the next size, so that a length says little (docs/protocol.md, section 5).

const MESSAGE = 1, ACK = 2, PING = 3, PONG = 4, CONTROL = 5, CLOSE = 7, ROOM = 8, EVENT = 9, FILE = 10, MORE = 128;
const SIZES = [64, 256, 1024, 4096, 16384, 65519];
const LONGEST = SIZES.at(-1);
const MIB = 1 << 20, KIB = 1 << 10;

const malformed = () => new Fault("The server broke the protocol.");

/** Items, each a type and a body, as plaintexts of records. */
function* pack(items) {
  let parts = [], size = 0;
  for (let [type, body] of items) {
    if (size + 3 + body.length > LONGEST) {
      if (parts.length) yield padded(parts);
      for (; body.length > LONGEST - 3; body = body.slice(LONGEST - 3)) {
        yield padded([[type | MORE], numberIn(2, LONGEST - 3), body.slice(0, LONGEST - 3)]);
      }
      [parts, size] = [[], 0];
    }
    parts.push([type], numberIn(2, body.length), body);
    size += 3 + body.length;
  }
  if (parts.length) yield padded(parts);
}

function padded(parts) {
  const whole = join(...parts), record = new Uint8Array(SIZES.find((size) => size >= whole.length));
  record.set(whole);
  return record;
}

/** Takes records apart; what is split goes on in the next ones. */
class Unpacker {
  parts = null;
  received = 0;

  unpack(record) {
    if (!SIZES.includes(record.length)) throw malformed();
    const items = [];
    let at = 0;
    while (at <= record.length - 3 && record[at]) {
      const end = at + 3 + numberFrom(record.subarray(at + 1, at + 3));
      if (end > record.length) throw malformed();
      const item = this.take(record[at], record.slice(at + 3, end));
      if (item) items.push(item);
      at = end;
    }
    if (record.subarray(at).some(Boolean)) throw malformed();
    this.received++;
    return items;
  }

  take(byte, body) {
    const type = byte & ~MORE, more = byte & MORE;
    if (this.parts ? type !== this.type : more && !(type === MESSAGE || type >= ROOM)) {
      if (this.parts) throw malformed();
      return null;
    }
    if (type === CLOSE && numberFrom(body.slice(1, 9)) !== this.received) throw malformed(); // it counts what came before
    if (!this.parts && !more) return [type, body];
    this.type = type;
    const whole = join(this.parts ?? NOTHING, body);
    if (whole.length > MIB + (type === MESSAGE ? 0 : KIB)) throw malformed();
    this.parts = more ? whole : null;
    return more ? null : [type, whole];
  }
}
