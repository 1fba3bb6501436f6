"""A stream in TLS (RFC 8446), by the standard library: for the transports `tls` and `wss`.

The end of one direction is a close_notify; the other direction stays open. An end without it is a cut. asyncio's own TLS
ends both directions at once, so an `SSLObject` between two buffers in memory is used here.
"""

import os
import re
import shlex
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from plytalk.core.bases.filter_stream import Opening
from plytalk.core.bases.paced_stream import PacedStream
from plytalk.core.contracts.errors import HandshakeFailed, UnknownPeer, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import CutWire
from plytalk.plugins.sockets.dialling import DiallingTransport
from plytalk.plugins.sockets.tls_units import cut_records
from plytalk.trust.named_files import check_named

READ = 64 * 1024
MAX_PEM = 16 * 1024 * 1024
"""Bytes of a file with certificates: those of all public CAs have some 250 KB."""


def trust_options(role: Role | None) -> tuple[Option, Option]:
    """Return `--tls-ca` and `--tls-name` for one end; for both if `role` is None, since both connect to a relay."""
    return (
        Option("tls-ca", "The CA certificates to trust in place of the system's (PEM).", Path, metavar="FILE", role=role),
        Option("tls-name", "The name that the certificate must have (default: the host).", metavar="NAME", role=role),
    )


OPTIONS = (
    Option(
        "tls-cert",
        "This server's certificate, with its intermediate certificates (PEM).",
        Path,
        metavar="FILE",
        role=Role.RESPONDER,
    ),
    Option("tls-key", "The private key of the certificate (PEM).", Path, metavar="FILE", role=Role.RESPONDER),
    *trust_options(Role.INITIATOR),
)
COVERS = frozenset(
    {
        *(Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS, Property.ORDER),
        *(Property.CLEAN_END, Property.FRESHNESS, Property.FORWARD_SECRECY),
    }
)
CAUTION = (
    "TLS protects the way to where it ends, perhaps a web server, and no further; any CA that the client trusts can make a "
    "certificate for it."
)
WRONG_NAME = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""
OTHER_WORDS = {
    "pem lib": "there is no certificate in the one, or no private key in the other, or its passphrase is wrong",
    "bad decrypt": "the passphrase is wrong",
}
"""What to say in place of words of OpenSSL that help nobody."""
_AROUND = re.compile(r"^\[\w+\] | \(_ssl\.c.*\)$")
"""What Python puts around the words of OpenSSL that have no reason."""
ASK = "Ask the person who runs it; --tls-ca and --tls-name say which certificates to trust, and which name to expect."


class TlsStream(PacedStream):
    """One end of a TLS connection: a server's, or with a `name` a client's, which the certificate must have."""

    what, slice = "TLS", READ

    def __init__(self, below: Stream, context: ssl.SSLContext, name: str | None = None) -> None:
        super().__init__(below)
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_side=name is None, server_hostname=name)

    def begin(self) -> None:
        self._shake()

    def cut(self, way: str) -> CutWire:
        return cut_records()

    def read(self, data: bytes) -> None:
        self._came.write(data)
        if self.opening is Opening.DONE or self._shake():
            self._read()

    def _shake(self) -> bool:
        """Go on with the handshake; whether it is done. Raises HandshakeFailed."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLCertVerificationError as error:
            said = shorten(error.verify_message).rstrip(".")
            if error.verify_code in WRONG_NAME:
                said = f"it is not for the name {shorten(str(self._tls.server_hostname))!r}"
            raise HandshakeFailed(f"The certificate of {self.peer} is not accepted: {said}.", ASK) from None
        except ssl.SSLError as error:
            raise HandshakeFailed(f"The TLS handshake failed: {words(error)}.", "Check that the other side speaks TLS.") from None
        finally:
            self._flush()
        self.is_open()
        return True

    def _read(self) -> None:
        try:
            while data := self._tls.read(READ):
                self.charge(len(data))
                self.deliver(data)
            self.deliver_end()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # the same, once this side has said its own end
            self.deliver_end()
        except ssl.SSLError as error:
            raise ConnectionAbortedError(f"a fault in its TLS: {words(error)}") from None
        finally:
            self._flush()

    def _flush(self) -> None:
        self.write(self._goes.read())

    def wrap(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self._goes.read()

    def wrap_end(self) -> bytes:
        with suppress(ssl.SSLError):  # it would wait for the other side's close_notify, which may come later
            self._tls.unwrap()
        return self._goes.read()


def words(error: ssl.SSLError) -> str:
    """What OpenSSL calls an error."""
    return shorten((error.reason or _AROUND.sub("", str(error))).replace("_", " ").lower())


class TlsFiles:
    """The files that the options name, and the contexts that they make."""

    def __init__(
        self,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
        tls_ca: Path | None = None,
        tls_name: str | None = None,
    ) -> None:
        self._cert, self._key, self._ca, self._name = tls_cert, tls_key, tls_ca, tls_name
        self._secret: Callable[[str], str] | None = None

    @classmethod
    def take(cls, options: dict[str, Any]) -> "TlsFiles":
        """Those of these options that are for TLS, which are taken out."""
        return cls(**{option.keyword: options.pop(option.keyword, None) for option in OPTIONS})

    @property
    def given(self) -> bool:
        """Whether a server's certificate or its key was named."""
        return bool(self._cert or self._key)

    def server(self) -> ssl.SSLContext:
        """Raises Usage."""
        if not self._cert or not self._key:
            raise Usage("A server that speaks TLS needs a certificate and its key.", "Give --tls-cert FILE and --tls-key FILE.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.num_tickets = 0  # a client that closes with one unread resets the connection, and what it sent last is lost
        try:
            for file in (self._cert, self._key):
                check_named(file, MAX_PEM)  # OpenSSL does not say which of them it cannot read
            refuse_exposed(self._key)
            context.load_cert_chain(self._cert, self._key, self._passphrase)
        except (OSError, ValueError) as error:  # SSLError among them; ValueError: a passphrase that is too long
            raise Usage(
                f"The certificate {self._cert} with the key {self._key} cannot be used: {reason(error)}.",
                "Both are PEM files, and the key is the one that the certificate was made for.",
            ) from None
        return context

    def ask_with(self, secret: Callable[[str], str]) -> None:
        """Use this to ask for the passphrase of the key, where it has one."""
        self._secret = secret

    def _passphrase(self) -> str:
        with suppress(UnknownPeer):
            if self._secret:
                return self._secret(f"Passphrase of {self._key}: ")
        raise Usage(
            f"The private key {self._key} has a passphrase, and there is no terminal to ask on.",
            "`openssl pkey -in FILE -out NEW` writes it without one.",
        )

    def client(self) -> ssl.SSLContext:
        """Raises Usage."""
        try:
            if self._ca:
                check_named(self._ca, MAX_PEM)
            context = ssl.create_default_context(cafile=self._ca)
        except OSError as error:
            raise Usage(f"The CA certificates in {self._ca} cannot be used: {reason(error)}.", "Check --tls-ca.") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def secured(self, below: Stream, host: str) -> TlsStream:
        """A client's end, which expects this host or the name of the option. Raises Usage, with the stream below closed."""
        try:
            return TlsStream(below, self.client(), self._name or host)
        except Usage:
            below.close()
            raise
        except ValueError:  # UnicodeError among them
            below.close()
            hint = "Check --tls-name." if self._name else "Check the address."
            raise Usage(f"{shorten(self._name or host)!r} cannot be the name in a certificate.", hint) from None


class SecuredTransport(DiallingTransport):
    """A transport whose server has a private key, which may have a passphrase."""

    _files: TlsFiles

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        self._files.ask_with(secret)
        return await super().ready(role, secret)


def refuse_exposed(key: Path) -> None:
    """Raises Usage for a private key that every user of this machine can read or change."""
    if os.name == "posix" and key.stat().st_mode & 0o007:
        raise Usage(
            f"The private key {key} is a secret that all users of this machine can read or change.",
            f"`chmod o= {shlex.quote(str(key))}`",
        )


def reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        said = words(error)
        return OTHER_WORDS.get(said, said)
    if isinstance(error, ValueError):
        return str(error).lower()
    return f"{str(error.strerror).lower()}{f' ({shorten(str(error.filename))})' * bool(error.filename)}"
