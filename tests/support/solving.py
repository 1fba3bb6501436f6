"""The eight exercises solved as a student solves them: from the files alone, with what the worksheets tell."""

import hashlib
import io
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.lab.inspect.trace_file import parse

Made = Mapping[str, bytes]


def frames_in(made: Made) -> dict[str, bytes]:
    """The frames of capture.txt by their names."""
    lines = made["capture.txt"].decode().splitlines()
    return {name: bytes.fromhex(digits) for name, digits in (line.split() for line in lines if not line.startswith("#"))}


def last_line(made: Made) -> str:
    """What the task wants to be read: the last line of task.txt."""
    return made["task.txt"].decode().splitlines()[-1]


def read_wire(made: Made) -> str:
    said = b"".join(event.data for event in parse(io.BytesIO(made["wire.trace"])) if event.layer == "transport").decode()
    return " ".join(re.search(r"meeting place is the (\w+) by the (\w+)", said).groups())


def forge_reply(made: Made) -> str:
    """The header is known from the captured frames: it ends with the length, in two or four bytes."""
    line = last_line(made).encode()
    genuine = frames_in(made)["s1"]
    body = b"The parcel has come."
    header = genuine[: len(genuine) - len(body)]
    digits = min(len(header), 4)
    assert int.from_bytes(header[-digits:]) == len(body)
    return (header[:-digits] + len(line).to_bytes(digits) + line).hex()


def stand_between(made: Made) -> str:
    true = re.search(r"will say:\n\n(.*)\n", made["task.txt"].decode())[1]
    program = made["attack.py"].decode()
    program = program.replace("to_client, to_server = None, None", "to_client, to_server = await interceptor.impersonate_both()")
    return program.replace("return item", f"return {last_line(made)!r} if item == {true!r} else item")


def replay_order(made: Made) -> str:
    """Each sealed order has a length and a nonce and a tag before and behind as many bytes as its text has."""
    extra = 4 + 12 + 16
    [frame] = [frame for frame in frames_in(made).values() if len(frame) == len(last_line(made)) + extra]
    return f"again {frame.hex()}"


def arrange_frames(made: Made) -> str:
    frames, task = frames_in(made), made["task.txt"].decode()
    names = {line: name for name, line in re.findall(r"^([cs]\d) (.*)$", task, re.M)}
    parts = ""
    for part, body in re.findall(r"^([ABC]): the server's user reads\n((?:  .*\n)+)", task, re.M):
        chosen = [names[line.strip()] for line in body.splitlines()]
        parts += f"{part}:\n" + "".join(f"{name} {frames[name].hex()}\n" for name in chosen)
    return parts


def mend_cipher(made: Made) -> str:
    program = made["cipher.py"].decode()
    program = re.sub(r"nonce = .*", "nonce = os.urandom(12)", program)
    program = re.sub(r"\.derive\(.*\)", ".derive(secret)", program)
    opened = "AESGCM(self._opening).decrypt(sealed[:12], sealed[12:], LABEL)"
    return re.sub(r"try:\n            return .*", f"try:\n            return {opened}", program)


def pin_key(made: Made) -> str:
    wanted = re.search(r"SHA256:\S+", made["card.txt"].decode())[0]
    for line in made["collected.pub"].decode().splitlines():
        kind, key, _ = line.split()
        if "SHA256:" + b64encode(hashlib.sha256(b64decode(key)).digest()).decode().rstrip("=") == wanted:
            return f"{made['known_hosts'].decode().split()[0]} {kind} {key}\n"
    raise AssertionError("the key of the card was not collected")


def read_later(made: Made) -> str:
    leaked = dict(line.split() for line in made["leaked.txt"].decode().splitlines())
    for name in "AB":
        passed = {one: bytes.fromhex(digits) for one, digits in map(str.split, made[f"{name}.txt"].decode().splitlines())}
        if "client-mlkem768" in passed:
            continue
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(leaked[name]))
        shared = private.exchange(X25519PublicKey.from_public_bytes(passed["server"]))
        key = HKDF(SHA256(), 32, salt=None, info=b"plytalk lab exercise 8").derive(shared)
        said = ChaCha20Poly1305(key).decrypt(bytes(12), passed["sealed"], passed["client"] + passed["server"]).decode()
        words = re.search(r"is the (\w+) by the (\w+)", said).groups()
        return " ".join([*words, "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"])
    raise AssertionError("both recordings are sealed with ML-KEM")


SOLUTIONS: dict[int, Callable[[Made], str]] = {
    1: read_wire,
    2: forge_reply,
    3: stand_between,
    4: replay_order,
    5: arrange_frames,
    6: mend_cipher,
    7: pin_key,
    8: read_later,
}
