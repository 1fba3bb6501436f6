"""The handshake of demo02 and secure-chat: the session key travels under the server's RSA key.

    server                                client
      | --- K  public key, PEM ------------> |     SubjectPublicKeyInfo, 2048 bits, e = 65537
      | <-- S  RSA-OAEP(session key) ------- |     SHA-256, MGF1-SHA-256, no label (RFC 8017, section 7.1)

The key is fresh for each run of the server; `--rsa-key` keeps one, for those who pin it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from plytalk.core.contracts.audit import Finding, Grade, Probe
from plytalk.core.contracts.errors import HandshakeFailed, Usage
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.io.freed_memory import freed_is_overwritten, zero_freed
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.trust.files import read, write_new
from plytalk.trust.store_errors import StoreError

KEY, SESSION_KEY = b"K", b"S"
PUBLIC_EXPONENT, MODULUS_BITS, MAX_MODULUS_BITS = 65537, 2048, 4096
MAX_PEM, MAX_SEALED = 2048, MAX_MODULUS_BITS // 8
SESSION_KEY_BYTES, ACCEPTED_KEY_BYTES = 32, (16, 24, 32)
OAEP = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)

MODEL = """// the client encrypts the session key to the server's RSA key
attacker[active]

principal Server[
\tknows private rsa_s
\tgrsa_s = G^rsa_s
]

Server -> Client: {shown}

principal Client[
\tgenerates session_c
\tsealed1 = PKE_ENC(grsa_s, session_c)
\tknows private word1
\tsaid1 = AEAD_ENC(session_c, word1, nil)
]

Client -> Server: sealed1, said1

principal Server[
\tsession_s = PKE_DEC(rsa_s, sealed1)
\theard1 = AEAD_DEC(session_s, said1, nil)?
\tknows private word2
\tsaid2 = AEAD_ENC(session_s, word2, nil)
]

Server -> Client: said2

principal Client[
\theard2 = AEAD_DEC(session_c, said2, nil)?
]

phase[1]

principal Server[
\tleaks rsa_s
]

queries[
\tconfidentiality? word1
\tconfidentiality? word2
\tauthentication? Client -> Server: said1
\tauthentication? Server -> Client: said2
]
"""


class RsaOaep(Handshake):
    """The session key travels under the server's RSA key."""

    name = "rsa"
    needs = {Property.BOUNDARIES}
    gives = {Property.KEYS, Property.PEER_KEY}
    prefers = {"framer": "typed", "cipher": "aesgcm"}
    shows = {Role.RESPONDER}
    speaks_first = Role.RESPONDER
    steps = {KEY: "public key", SESSION_KEY: "session key"}
    caution = (
        "The session key is only as secret as the RSA key: anyone who records the traffic and obtains that key can read it all."
    )
    options = (
        Option(
            "rsa-key",
            "Keep the server's RSA key in this PEM file (made at first use).",
            Path,
            metavar="FILE",
            role=Role.RESPONDER,
        ),
    )

    def __init__(self, rsa_key: Path | None = None) -> None:
        self._file = rsa_key
        self._private: rsa.RSAPrivateKey | None = None

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        if role is Role.RESPONDER:
            await self.private_key()
        return ()

    def verifpal_model(self, known: Collection[Role], agrees: bool) -> str:
        return MODEL.format(shown="[grsa_s]" if Role.RESPONDER in known else "grsa_s")

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        public = read_public_key(await io.receive(KEY, limit=MAX_PEM))
        await io.ask(Identity("rsa", der(public)))  # before the first secret byte leaves
        session_key = os.urandom(SESSION_KEY_BYTES)
        try:
            sealed = public.encrypt(session_key, OAEP)
        except ValueError:
            raise HandshakeFailed("The server's RSA key cannot be used.") from None
        await io.send(SESSION_KEY, sealed)
        return SessionSecrets.shared(session_key)

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        private = await self.private_key()
        await io.send(KEY, pem(private.public_key()))
        sealed = await io.receive(SESSION_KEY, limit=MAX_SEALED)
        return SessionSecrets.shared(open_session_key(private, sealed))

    def fields(self, message: Passed) -> Iterator[Span]:
        size = len(message.data)
        if message.kind == KEY:
            says = ""
            with suppress(HandshakeFailed):
                public = read_public_key(message.data)
                says = f"{public.key_size} bits, {Identity('rsa', der(public)).fingerprint}"
            yield Span("RSA public key, PEM", 0, size, says, "the server's key pair")
        elif message.kind == SESSION_KEY:
            yield Span("session key, encrypted", 0, size, made_of="32 random bytes of the client, the RSA public key (OAEP)")

    async def audit(self, probe: Probe) -> AsyncIterator[Finding]:
        texts = [await greeting(probe)]
        try:
            public = read_public_key(texts[0])
        except HandshakeFailed as error:
            yield Finding(Grade.FAIL, "identity", str(error), "Make it a new key.")
        else:
            says = f"It shows an RSA key with {public.key_size} bits, {Identity('rsa', der(public)).fingerprint}."
            yield Finding(Grade.GOOD, "identity", says, "Compare it with what the server's user sees.")
        texts.append(await greeting(probe))
        if texts[0] != texts[1]:
            says = "It shows a new key on each connection, so nobody can recognise it."
            yield Finding(Grade.WARN, "identity", says, "Start it with --rsa-key FILE.")
        async for finding in probe.habits(SESSION_KEY, bytes(MODULUS_BITS // 8)):
            yield finding

    async def private_key(self) -> rsa.RSAPrivateKey:
        """The server's key, made at first use: in a thread, since the search for primes takes long."""
        if self._private is None:
            made = await asyncio.to_thread(load_or_make, self._file)
            self._private = self._private or made
        return self._private


async def greeting(probe: Probe) -> bytes:
    """The server's first frame. Raises RemoteError."""
    async with probe.io() as io:
        return await io.receive(KEY, MAX_PEM)


def read_public_key(text: bytes) -> rsa.RSAPublicKey:
    """The server's key, if it is one that this handshake can trust to be hard to break. Raises HandshakeFailed."""
    try:
        public = serialization.load_pem_public_key(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise HandshakeFailed("The server sent something that is not a public key in PEM.") from None
    if not isinstance(public, rsa.RSAPublicKey):
        raise HandshakeFailed("The server sent a public key that is not an RSA key.")
    if fault := fault_of(public):
        raise HandshakeFailed(f"The server's RSA key has {fault}.")
    return public


def fault_of(public: rsa.RSAPublicKey) -> str:
    """What is wrong with a key that could be right; empty for nothing."""
    numbers = public.public_numbers()
    if not MODULUS_BITS <= public.key_size <= MAX_MODULUS_BITS:
        return f"{public.key_size} bits; between {MODULUS_BITS} and {MAX_MODULUS_BITS} are accepted"
    if numbers.e != PUBLIC_EXPONENT:
        return f"an unusual public exponent; only {PUBLIC_EXPONENT} is accepted"
    return "" if numbers.n % 2 else "an even modulus, which no real one has"


def open_session_key(private: rsa.RSAPrivateKey, sealed: bytes) -> bytearray:
    """One error for whatever is wrong, so that nobody can use us as an oracle (RFC 8017, section 7.1.2, note).

    Zeros take the `bytes` that come out, and the memory into which they were decrypted. The cipher overwrites the copy.
    """
    from ctypes import c_char_p, memset  # loaded where a session key has come

    try:
        with freed_is_overwritten():
            opened = private.decrypt(sealed, OAEP)
    except ValueError:
        opened = b""
    session_key = bytearray(opened)
    zero_freed(len(sealed))
    if len(session_key) not in ACCEPTED_KEY_BYTES:
        raise HandshakeFailed("The client sent no session key that this server can use.")
    memset(c_char_p(opened), 0, len(opened))  # nobody else has this object: Python shares only those of a byte or none
    return session_key


def load_or_make(file: Path | None) -> rsa.RSAPrivateKey:
    """The key in the file; a new one, kept there, where there is no file yet. Raises Usage."""
    if file is None:
        return rsa.generate_private_key(PUBLIC_EXPONENT, MODULUS_BITS)
    try:
        if (text := read(file, secret=True)) is not None:
            return _parsed(file, text)
        private = rsa.generate_private_key(PUBLIC_EXPONENT, MODULUS_BITS)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_new(file, private.private_bytes(*form))
    except StoreError as error:
        raise Usage(f"The RSA key cannot be used: {error}", error.hint) from None
    return private


def _parsed(file: Path, text: bytes) -> rsa.RSAPrivateKey:
    try:
        private = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Usage(
            f"{file} holds no RSA private key in PEM without a passphrase.", "Choose another file for --rsa-key."
        ) from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Usage(f"{file} holds a key that is not an RSA key.", "Choose another file for --rsa-key.")
    if fault := fault_of(private.public_key()):
        raise Usage(f"The RSA key in {file} has {fault}.", "Choose another file for --rsa-key.")
    return private


def pem(public: rsa.RSAPublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def der(public: rsa.RSAPublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@hookimpl
def layers() -> list[type[RsaOaep]]:
    return [RsaOaep]
