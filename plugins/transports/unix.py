"""A socket in the file system: two programs on one machine, guarded by file permissions. The host is the socket's path."""

import asyncio
import contextlib
import os
import stat

from plytalk.core.errors import CannotConnect
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Listener, Stream, Transport
from plytalk.core.streams import AsyncioListener, AsyncioStream


class UnixListener(AsyncioListener):
    async def close(self) -> None:
        await super().close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)

    def protocol(self) -> AsyncioStream:
        return AsyncioStream(self._arrive, name="a local program")


class Unix(Transport):
    """A Unix socket: HOST is the path of a file that only its owner may open."""

    name = "unix"
    names_place = True

    async def listen(self, host: str, port: int) -> Listener:
        listener = UnixListener()
        await self._remove_stale(host)
        old = os.umask(0o177)
        try:
            server = await asyncio.get_running_loop().create_unix_server(listener.protocol, host)
        except OSError as error:
            raise CannotConnect(
                f"Cannot listen on {host}: {(error.strerror or str(error)).lower()}.", "Choose another path with --host."
            ) from None
        finally:
            os.umask(old)
        listener.start(server, host)
        return listener

    async def _remove_stale(self, path: str) -> None:
        """A socket that nobody listens on is left over from a program that died; anything else stays."""
        try:
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise CannotConnect(f"{path} exists and is no socket.", "Choose another path with --host.")
        except FileNotFoundError:
            return
        try:
            stream = await self.connect(path, 0)
        except CannotConnect:
            os.unlink(path)
        else:
            stream.close()
            raise CannotConnect(f"Another program listens on {path}.", "Choose another path with --host, or end that program.")

    async def connect(self, host: str, port: int) -> Stream:
        try:
            _, stream = await asyncio.get_running_loop().create_unix_connection(lambda: AsyncioStream(name=host), host)
        except OSError as error:
            raise CannotConnect(
                f"Cannot connect to {host}: {(error.strerror or str(error)).lower()}.", "Check that the server is running."
            ) from None
        return stream


@hookimpl
def layers() -> list[type[Unix]]:
    return [Unix]
