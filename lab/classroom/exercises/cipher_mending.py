"""Exercise 6: repair a cipher. The answer is a cipher; it must speak the student's format, and withstand the lab's attacks."""

import os
from string import Template

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.core.contracts.attack import Outcome
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import choose
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.lab.attacks.run import Passive
from plytalk.lab.attacks.scenario import Scenario
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.loading import plugin_in, said
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files, template
from plytalk.testing import check_cipher

GIVES = frozenset({Property.SECRECY, Property.INTEGRITY})
ATTACKS = ("eavesdrop", "tamper", "tamper-first", "tamper-last", "inject", "shorten", "lengthen")
SEEDS = range(3)
WORDS = b"Meet me at the usual place at nine."

NO_TAG = """
    def _opened(self, sealed):
        stream = Raw(algorithms.AES(self._opening), modes.CTR(sealed[:12] + b"\\0\\0\\0\\2")).decryptor()
        return stream.update(sealed[12:-16])
"""
WEAKNESSES = (
    {"NONCE": "bytes(12)"},
    {"KEY": 'b""'},
    {"OPEN": "self._opened(sealed)", "METHODS": NO_TAG},
    {"NONCE": "bytes(11) + bytes([len(plaintext) % 4])"},
)
SOUND = {
    "KEY": "secret",
    "NONCE": "os.urandom(12)",
    "OPEN": "AESGCM(self._opening).decrypt(sealed[:12], sealed[12:], LABEL)",
    "METHODS": "",
}


class LabelledGcm:
    """The other side, which has been repaired already."""

    def __init__(self, secret: bytes, label: bytes) -> None:
        self._label = label
        self._aead = AESGCM(HKDF(SHA256(), 32, salt=None, info=label).derive(secret))

    def seal(self, plaintext: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, plaintext, self._label)

    def open(self, sealed: bytes) -> bytes:
        return self._aead.decrypt(sealed[:12], sealed[12:], self._label)


def label(draw: Draw) -> bytes:
    return draw.key("label", 12)


def make(draw: Draw) -> Files:
    parts = SOUND | {"LABEL": label(draw).hex()} | draw.one("weakness", WEAKNESSES)
    source = Template(template("cipher.py").decode()).substitute(parts)
    return {"cipher.py": source.encode()}


def check(draw: Draw, answer: str) -> AnswerVerdict:
    cipher: type[Cipher] = plugin_in(answer, "layers", Cipher)
    if not cipher.gives >= GIVES:
        return AnswerVerdict(False, "`gives` has to promise SECRECY and INTEGRITY.")
    registry = Registry()
    for cell in measure([scenario_of(cipher, registry)], [registry.attack(name) for name in ATTACKS], SEEDS):
        if cell.measured is not Outcome.HELD:
            return AnswerVerdict(False, what_happened(cell))
    try:
        check_cipher(cipher)
    except (AssertionError, ChatError) as error:
        return AnswerVerdict(False, f"The cipher does not keep its contract: {error}")
    if why := misunderstood(cipher, label(draw)):
        return AnswerVerdict(False, f"The other side, which speaks your format, does not understand your cipher: {why}")
    return AnswerVerdict(True, f"Held: {', '.join(ATTACKS)}. It keeps its contract, and the other side understands it.")


def what_happened(cell: Cell) -> str:
    if cell.measured is Outcome.ERROR:
        error = cell.record.error.strip().splitlines()[-1] if cell.record else " ".join(cell.log)
        return f"Your cipher failed: {error}"
    if cell.attack == Passive.name:
        return "With your cipher, an honest conversation fails."
    return f"With your cipher, `{cell.attack}` is {cell.measured} (seed {cell.seed})."


def misunderstood(cipher: type[Cipher], label: bytes) -> str:
    """Why the cipher and the other side do not understand each other; empty where they do."""
    secret = os.urandom(32)
    mine, theirs = cipher(SessionSecrets.shared(secret), Role.INITIATOR), LabelledGcm(secret, label)
    try:
        if theirs.open(mine.seal(WORDS)) == WORDS and mine.open(theirs.seal(WORDS)) == WORDS:
            return ""
    except Exception as error:
        return said(error)
    return "it opens to other words"


def scenario_of(cipher: type[Cipher], registry: Registry) -> Scenario:
    """The stack of secure-chat with this cipher."""
    named = {"framer": "typed", "handshake": "rsa", "messages": "text", "transport": "memory", "ui": "none"}
    classes = choose({"cipher": [cipher], **{kind: [name] for kind, name in named.items()}}, {}, registry.layer)
    return Scenario(f"cipher {cipher.name}", classes)


HINTS = (
    "Compare the code with the format in the first lines, word by word: the key, the nonce, the tag.",
    "Ask of each line: what if this value were the same in two messages, in all conversations, or changed on the way?",
)
EXERCISE = Exercise(
    "Repair a cipher",
    "the folder with your cipher.py, or that file",
    make,
    check,
    HINTS,
    answer_file="cipher.py",
    is_program=True,
)
