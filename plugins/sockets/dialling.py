"""How transports reach another machine over TCP: straight, or through the proxy that --proxy names."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from msgspec.structs import replace

from plytalk.core.contracts.errors import UnknownPeer, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream, Transport
from plytalk.plugins.sockets import tcp_sockets

if TYPE_CHECKING:
    from plytalk.plugins.sockets.proxies import ProxyServer

PATIENCE = 60.0
"""Seconds that the other side of a proxy may take for a handshake: a way through Tor can take seconds there and back."""
VARIABLE = "PLYTALK_PROXY"
SEEN = (
    "the proxy sees who connects to whom and when, and how much is said, and can cut. Tor hides that; it does not hide the "
    "identity, which is the same everywhere and links all conversations in which it is shown."
)


def has_password(url: str) -> bool:
    """Whether there is a password in the URL of a proxy, well formed or not."""
    return bool(re.search(r":[^/@][^@]*@", url.partition("://")[2] or url))


def proxy_option(role: Role | None) -> Option:
    """`--proxy`, for the end that connects: None for both, as at a relay."""
    return Option(
        "proxy",
        "Connect through this proxy, which also resolves the name: socks5h://[USER@]HOST:PORT (such as Tor) or http://[USER@]HOST:PORT.",
        metavar="URL",
        role=role,
        variable=VARIABLE,
        has_secret=has_password,
    )


PROXY = proxy_option(Role.INITIATOR)


class DiallingTransport(Transport):
    """A transport that reaches the other machine over TCP, perhaps through a proxy."""

    options: ClassVar[Sequence[Option]] = (PROXY,)

    @classmethod
    def configured(cls, options: Mapping[str, Any]) -> type[Self]:
        """With a proxy, what that sees."""
        if not options.get(PROXY.keyword):
            return cls
        said = f"{cls.caution} {SEEN[0].upper()}{SEEN[1:]}" if cls.caution else SEEN
        return type(cls.__name__, (cls,), {"caution": said, "__doc__": cls.__doc__, "__module__": cls.__module__})

    def __init__(self, proxy: str | None = None) -> None:
        self._proxy: ProxyServer | None = None
        if proxy:
            from plytalk.plugins.sockets.proxies import parse_proxy

            self._proxy, self.patience, self.passes_names_on = parse_proxy(proxy), PATIENCE, True

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        """Ask for the password of the proxy where its URL names a user alone. Raises Usage where nobody can be asked."""
        proxy = self._proxy
        if proxy and proxy.user and not proxy.password:
            from plytalk.plugins.sockets.proxies import checked

            try:
                password = secret(f"Password of {proxy.user} at the proxy {proxy}: ")
            except UnknownPeer:
                raise Usage(
                    f"The proxy {proxy} needs a password, and there is no terminal to ask on.",
                    f"Put {proxy.scheme}://USER:PASSWORD@{proxy} into {VARIABLE} or the config file.",
                ) from None
            self._proxy = checked(replace(proxy, password=password))
        return ()

    async def reached(self, host: str, port: int) -> Stream:
        """A stream to a server. Raises CannotConnect."""
        if self._proxy is None:
            return await tcp_sockets.connect(host, port)
        from plytalk.plugins.sockets import proxies

        return await proxies.connect(self._proxy, host, port)
