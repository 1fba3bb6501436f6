"""The handshake of demo02 and secure-chat, and what a hostile peer can put into it."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from plytalk.core.contracts.errors import HandshakeFailed, RemoteError, Usage
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.handshakes import rsa as module
from plytalk.plugins.handshakes.rsa import (
    RsaOaep,
    layers,
    load_or_make,
    open_session_key,
    pem,
    read_public_key,
)
from plytalk.testing import PlainFrames, TypedFrames, check_handshake
from plytalk.testing.attempts import CLIENT, SERVER, Attempts
from plytalk.testing.verdict import idle

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def server(key: rsa.RSAPrivateKey) -> RsaOaep:
    handshake = RsaOaep()
    handshake._private = key
    return handshake


def test_it_passes_the_kit(server: RsaOaep) -> None:
    check_handshake(RsaOaep, lambda: server, cipher=AesGcm)


async def test_the_server_shows_its_key_and_the_client_answers_with_32_bytes(server: RsaOaep, key: rsa.RSAPrivateKey) -> None:
    course = await Attempts(RsaOaep(), server, TypedFrames).once()
    client, _ = course.secrets
    assert client.send == client.receive
    assert len(client.send) == 32
    [(kind, sealed), _] = course.frames[CLIENT]
    assert (kind, len(sealed)) == (b"S", 256)
    assert key.decrypt(sealed, OAEP) == client.send
    [(kind, text), _] = course.frames[SERVER]
    assert (kind, text) == (b"K", pem(key.public_key()))
    assert text.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert len(text) == 451
    [identity] = course.wires[CLIENT].asked
    assert identity.algorithm == "rsa"
    assert serialization.load_der_public_key(identity.key) == key.public_key()
    assert course.wires[SERVER].asked == []


async def test_every_conversation_has_a_session_key_of_its_own(server: RsaOaep) -> None:
    attempts = Attempts(RsaOaep(), server, TypedFrames)
    keys = {(await attempts.once()).secrets[0].send for _ in range(5)}
    assert len(keys) == 5


async def test_a_server_makes_its_key_once_however_many_come() -> None:
    server = RsaOaep()
    await asyncio.gather(*(server.private_key() for _ in range(3)))
    made = await server.private_key()
    assert made is await server.private_key()
    assert (made.key_size, made.public_key().public_numbers().e) == (2048, 65537)


async def test_only_a_server_needs_a_key_before_it_starts() -> None:
    for role in Role:
        handshake = RsaOaep()
        assert await handshake.ready(role, lambda prompt: prompt) == ()
        assert (handshake._private is not None) is (role is Role.RESPONDER)


# -- a hostile server -----------------------------------------------------------------------------------------------------


def alone(handshake: RsaOaep, role: Role) -> tuple["asyncio.Task[SessionSecrets]", MemoryStream, list[Identity]]:
    asked: list[Identity] = []

    async def ask(identity: Identity) -> None:
        asked.append(identity)

    stream, peer = memory_stream_pair()
    io = FrameHandshakeIO(PlainFrames(), stream, ask)
    stream.deliver_to(io.feed, io.ended)
    talk = handshake.initiate(io) if role is CLIENT else handshake.respond(io)
    return asyncio.ensure_future(talk), peer, asked


def numbers(n: int, e: int = 65537) -> bytes:
    """A public key in PEM, written by hand: no library makes bad ones."""

    def der(tag: int, body: bytes) -> bytes:
        size = len(body)
        length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
        return bytes([tag]) + length + body

    def integer(value: int) -> bytes:
        return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    from base64 import encodebytes

    algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    info = der(0x30, algorithm + der(3, b"\0" + der(0x30, integer(n) + integer(e))))
    return b"-----BEGIN PUBLIC KEY-----\n" + encodebytes(info) + b"-----END PUBLIC KEY-----\n"


def spki(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


GOOD = numbers(2**2047 + 1)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "garbage": lambda: os.urandom(451),
    "zeros": lambda: bytes(451),
    "text": lambda: b"HTTP/1.1 200 OK\r\n\r\n",
    "only the armour": lambda: b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
    "armour around garbage": lambda: b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "half a key": lambda: GOOD[:200],
    "a private key": lambda: rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ),
    "an elliptic curve": lambda: spki(ec.generate_private_key(ec.SECP256R1())),
    "Ed25519": lambda: spki(ed25519.Ed25519PrivateKey.generate()),
    "DSA": lambda: spki(dsa.generate_private_key(1024)),
    "512 bits": lambda: numbers(2**511 + 1),
    "1024 bits": lambda: numbers(2**1023 + 1),
    "2047 bits": lambda: numbers(2**2046 + 1),
    "4097 bits": lambda: numbers(2**4096 + 1),
    "16384 bits": lambda: numbers(2**16383 + 1),
    "exponent 1": lambda: numbers(2**2047 + 1, 1),
    "exponent 3": lambda: numbers(2**2047 + 1, 3),
    "an even exponent": lambda: numbers(2**2047 + 1, 65536),
    "a huge exponent": lambda: numbers(2**2047 + 1, 2**2040 + 1),
    "exponent 0": lambda: numbers(2**2047 + 1, 0),
    "modulus 0": lambda: numbers(0),
    "an even modulus": lambda: numbers(2**2047),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_key_is_refused_in_words_before_anybody_is_asked_or_anything_is_sent(name: str) -> None:
    talking, peer, asked = alone(RsaOaep(), CLIENT)
    peer.send(PlainFrames().encode(b"K", HOSTILE[name]()))
    with pytest.raises(RemoteError) as failure:
        await talking
    assert failure.value.sentence.isprintable()
    assert len(failure.value.sentence) < 300
    assert (asked, peer._waiting) == ([], 0)
    peer.close()


async def test_a_key_that_the_library_cannot_use_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fault_of", lambda public: "")
    talking, peer, _ = alone(RsaOaep(), CLIENT)
    peer.send(PlainFrames().encode(b"K", numbers(2**2047)))
    with pytest.raises(HandshakeFailed, match="cannot be used"):
        await talking
    peer.close()


def test_a_key_of_the_right_kind_is_accepted() -> None:
    for bits in (2048, 3072, 4096):
        assert read_public_key(numbers(2 ** (bits - 1) + 1)).key_size == bits


async def test_more_than_a_key_is_refused_at_the_header() -> None:
    talking, peer, _ = alone(RsaOaep(), CLIENT)
    peer.send(PlainFrames().encode(b"K", bytes(2049))[:4])
    with pytest.raises(RemoteError, match="2,049 bytes; at most 2,048"):
        await talking
    peer.close()


# -- a hostile client -----------------------------------------------------------------------------------------------------


def sealed(key: rsa.RSAPrivateKey, session_key: bytes, hash_algorithm=None, label: bytes | None = None) -> bytes:
    chosen = hash_algorithm or hashes.SHA256()
    return key.public_key().encrypt(session_key, padding.OAEP(padding.MGF1(chosen), chosen, label))


def flipped(ciphertext: bytes) -> bytes:
    return ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])


MALFORMED: dict[str, Callable[[rsa.RSAPrivateKey], bytes]] = {
    "nothing": lambda key: b"",
    "one byte": lambda key: b"\1",
    "zeros": lambda key: bytes(256),
    "ones": lambda key: b"\xff" * 256,
    "random": lambda key: os.urandom(256),
    "too short": lambda key: sealed(key, bytes(32))[:-1],
    "too long": lambda key: sealed(key, bytes(32)) + b"\0",
    "a flipped bit": lambda key: flipped(sealed(key, bytes(32))),
    "another hash": lambda key: sealed(key, bytes(32), hashes.SHA1()),
    "a label": lambda key: sealed(key, bytes(32), label=b"label"),
    "PKCS #1 version 1.5": lambda key: key.public_key().encrypt(bytes(32), padding.PKCS1v15()),
    "an empty key": lambda key: sealed(key, b""),
    "a key of 31 bytes": lambda key: sealed(key, bytes(31)),
    "a key of 33 bytes": lambda key: sealed(key, bytes(33)),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_whatever_is_wrong_with_the_session_key_there_is_one_answer(
    name: str, server: RsaOaep, key: rsa.RSAPrivateKey
) -> None:
    talking, peer, _ = alone(server, SERVER)
    await idle()
    said = peer._waiting
    peer.send(PlainFrames().encode(b"S", MALFORMED[name](key)))
    with pytest.raises(HandshakeFailed, match=r"^The client sent no session key that this server can use\.$") as failure:
        await talking
    assert failure.value.__cause__ is None
    assert peer._waiting == said, "the client is told something"
    peer.close()


@pytest.mark.parametrize("length", [16, 24, 32])
def test_the_lengths_that_the_existing_servers_take_are_taken(key: rsa.RSAPrivateKey, length: int) -> None:
    session_key = os.urandom(length)
    assert open_session_key(key, sealed(key, session_key)) == session_key


def test_of_a_session_key_nothing_is_left_but_what_the_cipher_holds(key: rsa.RSAPrivateKey) -> None:
    session_key = os.urandom(32)
    opened = open_session_key(key, sealed(key, session_key))
    AesGcm(SessionSecrets.shared(opened), Role.RESPONDER)
    assert opened == bytes(32)


# -- a key that is kept ---------------------------------------------------------------------------------------------------


def write(file: Path, private, password: bytes | None = None, mode: int = 0o600) -> Path:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    file.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    file.chmod(mode)
    return file


def test_a_key_is_made_at_first_use_for_its_owner_alone_and_found_again(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    old = os.umask(0)
    try:
        made = load_or_make(file)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_or_make(file).private_numbers() == made.private_numbers()


def test_a_key_of_one_s_own_is_used(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    assert load_or_make(write(tmp_path / "mine.pem", key)).private_numbers() == key.private_numbers()


@pytest.mark.skipif(os.name != "posix", reason="needs file modes, which this system has not")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, key: rsa.RSAPrivateKey, mode: int) -> None:
    file = write(tmp_path / "open.pem", key, mode=mode)
    with pytest.raises(Usage, match="is a secret that other users can read or change") as failure:
        load_or_make(file)
    assert failure.value.hint == f"`chmod 600 {file}`"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda file, key: file.write_text("hello"), "holds no RSA private key in PEM"),
        (lambda file, key: file.write_text(""), "holds no RSA private key in PEM"),
        (lambda file, key: write(file, key, password=b"secret"), "without a passphrase"),
        (lambda file, key: write(file, ec.generate_private_key(ec.SECP256R1())), "holds a key that is not an RSA key"),
        (lambda file, key: write(file, rsa.generate_private_key(65537, 1024)), "has 1024 bits; between 2048 and 4096"),
        (lambda file, key: write(file, rsa.generate_private_key(3, 2048)), "exponent"),
        (lambda file, key: file.mkdir(mode=0o700), "is a folder"),
    ],
)
def test_a_file_that_holds_no_such_key_is_refused_and_left_alone(
    tmp_path: Path, key: rsa.RSAPrivateKey, make, words: str
) -> None:
    file = tmp_path / "key.pem"
    make(file, key)
    if file.is_file():
        file.chmod(0o600)
        before = file.read_bytes()
    with pytest.raises(Usage, match=words):
        load_or_make(file)
    assert file.is_dir() or file.read_bytes() == before


def test_a_key_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="could not be written"):
        load_or_make(tmp_path / "nowhere" / "key.pem")


def test_the_option_reaches_the_layer(tmp_path: Path) -> None:
    [option] = RsaOaep.options
    assert RsaOaep(**{option.keyword: tmp_path / "key.pem"})._file == tmp_path / "key.pem"
    assert layers() == [module.RsaOaep]


def test_the_object_that_held_the_session_key_holds_zeros_afterwards(key: rsa.RSAPrivateKey) -> None:
    opened: list[bytes] = []

    class Keeps:
        def decrypt(self, sealed: bytes, how: padding.AsymmetricPadding) -> bytes:
            opened.append(key.decrypt(sealed, how))
            return opened[0]

    session_key = os.urandom(32)
    assert open_session_key(Keeps(), key.public_key().encrypt(session_key, OAEP)) == session_key
    assert opened == [bytes(32)]
