"""The scripts of the page in node, compared with the same things in Python: what they compute has to be the same."""

import json
import shutil
import subprocess
import unicodedata
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
import spake2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.authenticators.code import CLIENT, SERVER
from plytalk.plugins.files.hash_tree import HashTree
from plytalk.plugins.noise import payload
from plytalk.plugins.noise.primitives import AESGCM, X25519
from plytalk.plugins.noise.states import CipherState
from plytalk.plugins.rooms.room_events import RoomEvent
from plytalk.plugins.web.page_files import file_text
from plytalk.trust.identity import OwnIdentity, identity_key

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs node (on Debian: apt install nodejs)")
ALONE = ["basics", "clean", "curve", "noise", "identity", "records", "room", "hashes", "transfers", "files"]
"""The scripts that need no window."""
VECTORS = Path(__file__).parents[2] / "vectors" / "records.json"
TOOLS = """
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");
main(given).then((found) => process.stdout.write(JSON.stringify(found)));
"""


def run(body: str, given: Any = None) -> Any:
    """What `async function main(given)` with this body gives."""
    script = "".join(file_text(f"{name}.js") for name in ALONE)
    whole = f"{script}\nconst given = {json.dumps(given)};\nasync function main(given) {{ {body} }}\n{TOOLS}"
    done = subprocess.run(["node", "-"], input=whole, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


TEXTS = (
    "plain", "tab\tand\nline\r", "\x00\x07\x1b[31m\x7f\x80\x9b", "\u202eright\u2066to\u200fleft", "zero\u200bwidth\ufeff",
    "\u2028\u2029", "a\u200cb\u200dc", "e" + "\u0301" * 9 + "x", "\u0301" * 6, "e" + "\u0301\u200d" * 7,
    "\U000e0041 tags", "\ue000 private", "\U0001f600",
    "\u0378 unassigned", "Ångström Ж 漢字 한글", "\ud800 alone"[1:], "\xad soft", "\u20dd" * 5,
)  # fmt: skip


def test_the_sanitiser_is_that_of_all_other_screens() -> None:
    every = [chr(code) for code in range(0x11000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    texts = [*TEXTS, *("".join(every[at : at + 500]) for at in range(0, len(every), 500))]
    assert run("return given.map(clean);", texts) == [clean(text) for text in texts]


def test_a_lone_surrogate_is_made_visible() -> None:
    assert run("return clean('\\ud800!');") == clean("\ud800!")


def test_all_texts_that_a_server_says_in_json_are_cleaned() -> None:
    said = {"text": "\u202e", "lines": ["\u202e", {"a": 1, "b": None, "c": [["\u202e"]]}]}
    seen = {"text": r"\u{202e}", "lines": [r"\u{202e}", {"a": 1, "b": None, "c": [[r"\u{202e}"]]}]}
    assert run("return [objectIn(given), objectIn(given, true)];", json.dumps(said)) == [said, seen]


@pytest.mark.parametrize("text", ["", "{", "null", "7", "[]", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"])
def test_what_is_no_object_is_an_empty_one(text: str) -> None:
    assert run("return objectIn(given, true);", text) == {}


def test_records_are_taken_and_refused_as_the_vectors_say() -> None:
    vectors = json.loads(VECTORS.read_text())
    found = run(
        """return given.map((records) => {
             const unpacker = new Unpacker();
             try { return records.flatMap((one) => unpacker.unpack(bytes(one))).map(([type, body]) => [type, hex(body)]); }
             catch (fault) { if (fault instanceof Fault) return "refused"; throw fault; }
           });""",
        [case["records"] for case in (*vectors["taken"], *vectors["refused"])],
    )
    known = (1, 2, 3, 4, 5, 7, 8, 9, 10)
    taken = [[item for item in one if item[0] in known] for one in found[: len(vectors["taken"])]]
    assert taken == [[item for item in case["says"] if item[0] in known] for case in vectors["taken"]]
    assert [case["name"] for case, one in zip(vectors["refused"], found[len(taken) :], strict=True) if one != "refused"] == []


def test_what_is_packed_can_be_taken_apart() -> None:
    sizes = [0, 1, 61, 62, 65_516, 65_517, 200_000]
    found = run(
        """const unpacker = new Unpacker();
           return [...pack(given.map((size) => [MESSAGE, new Uint8Array(size)]))].flatMap((one) => {
             if (!SIZES.includes(one.length)) throw new Error("another size");
             return unpacker.unpack(one).map(([, body]) => body.length);
           });""",
        sizes,
    )
    assert found == sizes


def test_a_key_is_replaced_after_so_many_records_and_the_counter_goes_on() -> None:
    found = run(
        """REKEY_AT.records = 2;
           const state = new CipherState(bytes(given), CIPHERS.AESGCM), sealed = [];
           for (let n = 0; n < 5; n++) sealed.push(hex(await state.seal(Uint8Array.of(n))));
           return sealed;""",
        bytes(range(32)).hex(),
    )
    state, expected = CipherState(AESGCM, bytes(range(32))), []
    for n in range(5):
        if n in (2, 4):
            state.rekey()
        expected.append(state.encrypt_with_ad(b"", bytes((n,))).hex())
    assert found == expected


@pytest.mark.parametrize("code", ["7-orbit-velvet", "1-aback-zulu"])
def test_the_exchange_over_a_code_is_that_of_the_package(code: str) -> None:
    server = spake2.SPAKE2_B(code.encode(), CLIENT, SERVER)
    message = server.start()
    found = run(
        """const spake = new Spake2(), own = await spake.start(given[0]);
           return [hex(own), hex(await spake.finish(bytes(given[1])))];""",
        [code, message.hex()],
    )
    assert server.finish(bytes.fromhex(found[0])).hex() == found[1]


PRIME = 2**255 - 19
LOW = (0, 1, PRIME - 1, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7)


def test_keys_that_nobody_honest_has_are_refused() -> None:
    unreduced = [PRIME + low for low in (0, 1)] + [PRIME - LOW[3]]
    bad = [value | sign for value in (*LOW, *unreduced) for sign in (0, 1 << 255)]
    good = [Ed25519PrivateKey.generate().public_key().public_bytes_raw() for _ in range(8)]
    keys = [*(value.to_bytes(32, "little") for value in bad), *good]
    assert run("return given.map((key) => Boolean(isUsableKey(bytes(key))));", [key.hex() for key in keys]) == [
        *(False for _ in bad), *(True for _ in good)
    ]  # fmt: skip
    for key in keys[: len(bad)]:
        with pytest.raises(ValueError, match="not an ssh-ed25519"):
            identity_key(key)


def test_each_side_takes_the_other_sides_proof() -> None:
    identity, pair = OwnIdentity(Ed25519PrivateKey.generate()), X25519.generate_keypair()
    now = run("return Date.now() / 1000;")
    shown = run(
        """const keys = await subtle.generateKey("Ed25519", false, ["sign", "verify"]), own = await Identity.of(keys);
           const { pair, proof } = await own.prove();
           const theirs = await identityIn(bytes(given[0]), bytes(given[1]));
           return [hex(proof), hex(pair.public), own.fingerprint, await fingerprintOf(theirs)];""",
        [payload.encode(identity, pair.public, now).hex(), pair.public.hex()],
    )
    proof, static, own, theirs = shown
    assert payload.decode(bytes.fromhex(proof), bytes.fromhex(static), now).key.fingerprint == own
    assert theirs == identity.fingerprint
    with pytest.raises(HandshakeFailed):
        payload.decode(bytes.fromhex(proof), pair.public, now)


def test_an_event_is_read_as_it_was_written() -> None:
    events = [RoomEvent(7, 1_790_000_000_000, 1, 6, "eve\u202e", "héllo", b"\7" * 32), RoomEvent(2**40, 0, 250, 0, "", "")]
    found = run("return given.map((one) => readEvent(bytes(one)));", [event.encode().hex() for event in events])
    assert [(one["id"], one["time"], one["kind"], one["name"], one["text"], one["key"]) for one in found] == [
        (event.id, event.time, event.kind, event.name, event.text, event.fingerprint) for event in events
    ]
    assert [one["marks"] for one in found] == [["not authenticated", "not encrypted"], []]
    broken = [b"", events[0].encode()[:19], events[0].encode()[:52], b"\0" * 18 + b"\5" + b"\0" * 30]
    taken = run(
        """return given.map((one) => { try { return readEvent(bytes(one)); } catch (fault) { return "refused"; } });""",
        [one.hex() for one in broken],
    )
    assert taken == ["refused"] * len(broken)


SIZES = (0, 1, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 262_144)


def content(size: int) -> bytes:
    return bytes((at * 7 + (at >> 8)) & 255 for at in range(size))


def test_the_hashes_of_files_are_those_of_the_libraries() -> None:
    blake3 = pytest.importorskip("blake3").blake3
    key = b"chunk".ljust(32, b"\0")
    found = run(
        """return given.map((size) => {
             const content = new Uint8Array(size).map((_, at) => at * 7 + (at >> 8));
             return [hex(blake2b("chunk", content)), hex(blake3("chunk", content))];
           });""",
        SIZES,
    )
    assert found == [
        [blake2b(content(size), key=key, digest_size=32).hexdigest(), blake3(content(size), key=key).hexdigest()]
        for size in SIZES
    ]


@pytest.mark.parametrize("size", [0, 5, 262_144, 600_000])
def test_the_tree_of_a_file_is_the_same(size: int) -> None:
    tree = HashTree(size, "blake2b")
    for at in range(0, size, 262_144):
        tree.add(content(size)[at : at + 262_144])
    found = run(
        """const content = new Uint8Array(given).map((_, at) => at * 7 + (at >> 8));
           const own = new Outgoing(1, new File([content], "a"), null, () => 0);
           await own.hash();
           return [hex(own.root), hex(join(own.blocks, own.leaves))];""",
        size,
    )
    assert found == [tree.root.hex(), tree.proof(0).hex()]
    tree.close()


def test_a_chunk_that_was_not_offered_is_refused() -> None:
    tree = HashTree(5, "blake2b")
    tree.add(content(5))
    root, proof = tree.root, (0).to_bytes(4, "big") + tree.proof(0)
    tree.close()
    found = run(
        """const offer = { number: 1, size: 5, hash: "blake2b", root: bytes(given[0]) };
           const take = (proof, data) => {
             const one = new Incoming(offer);
             Object.assign(one, { row: () => 0, owed: 100, channel: { send: () => 0 } });
             try { one.proof(proof); one.data(data); return one.at; } catch (fault) { return fault.message; }
           };
           const proof = bytes(given[1]), other = proof.slice();
           other[10] ^= 1;
           const whole = bytes(given[2]);
           return [take(proof, whole), take(proof, new Uint8Array(5)), take(other, whole), take(proof, new Uint8Array(6))];""",
        [root.hex(), proof.hex(), content(5).hex()],
    )
    assert found == [5, *["what came is not what was offered"] * 3]
