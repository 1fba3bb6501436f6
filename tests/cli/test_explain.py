"""`chat explain`: what a stack protects, what it does not, what an attacker can do, which layer to change."""

import json
from pathlib import Path
from typing import Any

import pytest
from programs import ENVIRONMENT, chat, complaint, importing
from strangers import plant
from verifpal_grammar import faults_of


def test_the_default_protects_everything_that_there_is_a_word_for() -> None:
    run = chat("explain")
    assert run.returncode == 0
    assert "(the chat plytalk1)" in run.stdout
    assert "Nothing known." in run.stdout


def test_an_older_stack_s_sheet_shows_what_is_missing_and_what_to_change() -> None:
    assess = json.loads(chat("explain", "--profile", "secure-chat", "--json").stdout)
    assert assess["profile"] == "secure-chat"
    assert {row["property"] for row in assess["protects"]} == {"secrecy", "integrity"}
    lacks = {row["property"]: row for row in assess["lacks"]}
    assert "man in the middle" in lacks["peer identity"]["attacker"]
    assert "--handshake plytalk1" in lacks["forward secrecy"]["change"]
    assert any("rsa" in caution for caution in assess["cautions"])


def test_a_promise_that_hangs_on_another_says_so() -> None:
    assess = json.loads(chat("explain", "--profile", "demo02", "--json").stdout)
    secrecy = next(row for row in assess["protects"] if row["property"] == "secrecy")
    assert secrecy["means"].endswith("unless an attacker posed as the other side from the start")


def test_plaintext_protects_nothing() -> None:
    run = chat("explain", "--cipher", "none")
    assert "Nothing: anyone on the network path can read and change it." in run.stdout
    assert run.returncode == 0


def test_classical_suites_are_not_called_safe_from_quantum_computers() -> None:
    assess = json.loads(chat("explain", "--suite", "any", "--json").stdout)
    assert "post-quantum secrecy" in {row["property"] for row in assess["lacks"]}
    assert "`--suite hybrid` has none" in " ".join(assess["cautions"])  # what to change is the option, not the handshake


def test_an_impossible_stack_is_refused_in_one_sentence_that_names_both_layers() -> None:
    run = chat("explain", "--cipher", "aesgcm", "--handshake", "none")
    assert run.returncode == 2
    assert "The cipher `aesgcm` needs keys" in complaint(run)
    assert "the handshake `none`" in complaint(run)


LIAR = '''
from plytalk import Cipher, Property, hookimpl
from plytalk.core.contracts.errors import HandshakeFailed

class Liar(Cipher):
    """XOR with one key, again and again."""

    name = "liar"
    needs = {Property.KEYS}
    gives = {Property.SECRECY, Property.INTEGRITY, Property.PEER_IDENTITY}
    prefers = {"framer": "typed", "handshake": "rsa", "messages": "text"}

    def __init__(self, secrets, role):
        if len(secrets.send) != 32:
            raise HandshakeFailed("It takes 32 bytes.")
        self.key = secrets.send, secrets.receive

    def seal(self, plaintext):
        return bytes(a ^ b for a, b in zip(plaintext, self.key[0] * 4000))

    def open(self, sealed):
        return bytes(a ^ b for a, b in zip(sealed, self.key[1] * 4000))

@hookimpl
def layers():
    return [Liar]
'''
HONEST = """
from plytalk import hookimpl
from plytalk.plugins.ciphers.aesgcm import AesGcm

class Honest(AesGcm):
    'Ours, under another name.'

    name = "liar"

@hookimpl
def layers():
    return [Honest]
"""


def explained(folder: Path, text: str) -> dict[str, Any]:
    plant(folder, "plytalk-cipher-liar", {"cipher-liar": text})
    run = chat("explain", "--cipher", "liar", "--json", environment={**ENVIRONMENT, **importing(folder)})
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def test_what_the_conformance_kit_refutes_is_not_repeated(tmp_path: Path) -> None:
    assess = explained(tmp_path, LIAR)
    assert assess["protects"] == []
    assert not {"secrecy", "integrity", "peer identity"} & set(assess["gives"])
    claims = {row["property"]: row["doubt"] for row in assess["claims"]}
    for prop in ("secrecy", "integrity"):
        assert "cipher `liar` of plytalk-cipher-liar claims this, and the conformance kit refutes it: " in claims[prop]
        assert "the same twice" in claims[prop]
    assert claims["peer identity"].endswith("which no cipher can give.")
    text = chat("explain", "--cipher", "liar", environment={**ENVIRONMENT, **importing(tmp_path)}).stdout
    assert "What a plugin claims, not verified by plytalk" in text
    assert "only ciphertext" not in text


def test_what_nobody_has_attacked_says_how_to(tmp_path: Path) -> None:
    claims = explained(tmp_path, HONEST)["claims"]
    assert {claim["property"] for claim in claims} == {"secrecy", "integrity"}
    assert all(claim["doubt"].endswith('To see whether it holds: chat lab --stack "cipher liar".') for claim in claims)


@pytest.mark.parametrize(
    "stack",
    [
        (),
        ("--suite", "classical"),
        ("--profile", "demo01"),
        ("--profile", "demo02"),
        ("--handshake", "rsa", "--cipher", "aesgcm"),
        ("--handshake", "noise", "--pattern", "NK", "--remote-key", "aa" * 32),
        ("--peer", "SHA256:" + "A" * 43),
    ],
    ids=" ".join,
)
def test_it_writes_a_model_that_verifpal_reads(stack: tuple[str, ...]) -> None:
    run = chat("explain", "--verifpal", *stack)
    assert run.returncode == 0, run.stderr
    assert faults_of(run.stdout) == []


WITHOUT_MODEL = """
from plytalk import Handshake, SessionSecrets, hookimpl

class Silent(Handshake):
    "Says nothing."
    name = "silent"
    prefers = {"cipher": "none"}
    async def initiate(self, io): return SessionSecrets.none()
    respond = initiate

@hookimpl
def layers(): return [Silent]
"""


def test_a_handshake_without_a_model_says_so(tmp_path: Path) -> None:
    plant(tmp_path, "plytalk-handshake-silent", {"handshake-silent": WITHOUT_MODEL})
    run = chat("explain", "--verifpal", "--handshake", "silent", environment={**ENVIRONMENT, **importing(tmp_path)})
    assert run.returncode == 2
    assert "`silent` has no model for Verifpal" in complaint(run)


def test_a_transport_that_protects_the_way_is_not_called_nothing() -> None:
    run = chat("explain", "--transport", "tls", "--profile", "demo01")
    assert "Nothing by itself: the transport protects the way" in run.stdout
    assert "transport tls: TLS protects the way to where it ends" in " ".join(run.stdout.split())
