"""A socket in the file system: two programs on one machine, guarded by file permissions. The host is the socket's path."""

import asyncio
import contextlib
import os
import socket
import stat
from errno import EPROTOTYPE

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.asyncio_stream import AsyncioListener, AsyncioStream
from plytalk.core.registry.hookspecs import hookimpl

CHOOSE = "Choose another path."


class UnixListener(AsyncioListener):
    def protocol(self) -> AsyncioStream:
        return AsyncioStream(self.arrive, name="a local program")

    def release(self) -> None:
        super().release()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)


class Unix(Transport):
    """A Unix socket: HOST is the path of a file that only its owner may open."""

    name = "unix"
    names_place = True

    async def listen(self, host: str, port: int) -> Listener:
        refuse_no_path(host)
        listener = UnixListener()
        remove_stale(host)
        sock = socket.socket(socket.AF_UNIX)
        try:
            old = os.umask(0o177)
            try:
                sock.bind(host)
            finally:
                os.umask(old)
            server = await asyncio.get_running_loop().create_unix_server(listener.protocol, sock=sock)
        except (OSError, ValueError) as error:
            sock.close()
            raise CannotConnect(f"Cannot listen on {host!r}: {why(error)}.", CHOOSE) from None
        listener.start(server, host)
        return listener

    async def connect(self, host: str, port: int) -> Stream:
        refuse_no_path(host)
        name = os.path.abspath(host)  # noqa: ASYNC240 - by which its key is remembered, from anywhere
        try:
            _, stream = await asyncio.get_running_loop().create_unix_connection(lambda: AsyncioStream(name=name), host)
        except (OSError, ValueError) as error:
            raise CannotConnect(f"Cannot connect to {host!r}: {why(error)}.", "Check that the server is running.") from None
        return stream


def refuse_no_path(path: str) -> None:
    """Linux takes an empty name, or one that begins with a zero byte, for a socket without a file and so without permissions."""
    if not path or "\0" in path:
        raise CannotConnect(f"{path!r} cannot be the path of a socket.", "Choose one, such as /run/user/1000/chat.")


def remove_stale(path: str) -> None:
    """A socket that nobody has open is left over from a program that died; anything else stays. Raises CannotConnect."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise CannotConnect(f"{path!r} exists and is not a socket.", CHOOSE)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:  # of another type, so that no server sees a peer
            probe.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == EPROTOTYPE:
            hint = f"{CHOOSE[:-1]}, or end that program."
            raise CannotConnect(f"Another program listens on {path!r}.", hint) from None
        # Not there, or not ours: `bind` says why.


def why(error: Exception) -> str:
    """What is wrong, in words. That a path is too long is an error of Python itself, in its own words."""
    said = getattr(error, "strerror", None) or str(error)
    return "the path is too long" if said.startswith("AF_UNIX") else said.lower()


@hookimpl
def layers() -> list[type[Unix]]:
    return [Unix]
