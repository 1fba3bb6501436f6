"""Exercise 8: what post-quantum buys. Of two recordings whose X25519 keys leaked later, one opens.

The answer is its two words, and a suite whose recordings stay closed.
"""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.core.contracts.attack import Outcome
from plytalk.core.contracts.errors import ChatError
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import measure
from plytalk.lab.attacks.scenario import Scenario, scenarios
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files, template

INFO = b"plytalk lab exercise 8"
NONCE = bytes(12)
ATTACK = "break-x25519-later"


def make(draw: Draw) -> Files:
    hybrid, classical = draw.shuffled("names", ("A", "B"))
    place, landmark = draw.words("places", 2)
    leaked = {name: X25519PrivateKey.generate() for name in ("A", "B")}
    files = {
        classical: recording(leaked[classical], f"The meeting place is the {place} by the {landmark}.", hybrid=False),
        hybrid: recording(leaked[hybrid], "You cannot read this.", hybrid=True),
    }
    keys = "".join(f"{name} {key.private_bytes_raw().hex()}\n" for name, key in leaked.items())
    return {
        **{f"{name}.txt": files[name] for name in ("A", "B")},
        "leaked.txt": keys.encode(),
        "recover.py": template("recover.py"),
    }


def recording(client: X25519PrivateKey, words: str, hybrid: bool) -> bytes:
    """What passed: both public keys, with `hybrid` those of ML-KEM too, and a message sealed under what they agree on."""
    server = X25519PrivateKey.generate()
    publics = client.public_key().public_bytes_raw(), server.public_key().public_bytes_raw()
    passed, secret = {"client": publics[0], "server": publics[1]}, client.exchange(server.public_key())
    if hybrid:
        kem = MLKEM768PrivateKey.generate().public_key()
        more, ciphertext = kem.encapsulate()
        passed |= {"client-mlkem768": kem.public_bytes_raw(), "server-mlkem768": ciphertext}
        secret += more
    key = HKDF(SHA256(), 32, salt=None, info=INFO).derive(secret)
    passed["sealed"] = ChaCha20Poly1305(key).encrypt(NONCE, words.encode(), b"".join(publics))
    return "".join(f"{name} {value.hex()}\n" for name, value in passed.items()).encode()


def check(draw: Draw, answer: str) -> AnswerVerdict:
    *words, suite = answer.split()
    if len(words) != 2:
        return AnswerVerdict(False, "The answer is the two words of the recording that opens, and then a suite.")
    if [word.lower() for word in words] != draw.words("places", 2):
        return AnswerVerdict(False, "The first two words are not the place that the recording names, or not in its order.")
    try:
        [cell] = list(measure([scenario_of(suite)], [Registry().attack(ATTACK)]))[-1:]
    except ChatError as error:
        return AnswerVerdict(False, f"The words are right, the suite is not: {error.sentence}")
    if cell.measured is not Outcome.HELD:
        return AnswerVerdict(False, f"The words are right. With that suite, `{ATTACK}` is {cell.measured}.")
    return AnswerVerdict(True, f"With that suite `{ATTACK}` is held: an attacker has to break X25519 and ML-KEM-768.")


def scenario_of(suite: str) -> Scenario:
    """The default stack with this suite. Raises Usage."""
    registry = Registry()
    plain = next(one for one in scenarios(registry) if one.name == registry.default_profile.name)
    options = {"suite": suite}
    classes = {kind: [layer.configured(options) for layer in layers] for kind, layers in plain.classes.items()}
    return replace(plain, name=f"{plain.name} {suite}", classes=classes, options=options)


HINTS = (
    "Only one recording lacks the lines with mlkem768: the key of that one follows from X25519 alone.",
    "`private` comes from leaked.txt, by the name of the recording; the public key is the server's.",
)
EXERCISE = Exercise("What post-quantum buys", "two words and a suite, such as 'onion curtain SUITE'", make, check, HINTS)
