"""Downgrade by failure: the client is to try again, with less."""

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence
from plytalk.plugins.noise import impostor


class DowngradeRetry(impostor.Posing):
    """Answers in the server's place that there is nothing in common and only a weak suite is known here, and waits.

    A failure costs the attacker nothing. A program that tries again with less, so that it works at last, does the rest itself.
    """

    name = "downgrade-retry"
    row = "A14"
    reference = "POODLE, CVE-2014-3566, the downgrade dance"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._again = False

    async def take(self, interceptor: Interceptor) -> None:
        server = impostor.ImpostorServer(interceptor.leg(Role.RESPONDER).io)
        await server.offered()
        interceptor.log(f"told the client that the server knows {impostor.FOREIGN[0]} alone")
        await server.refuse(impostor.FOREIGN)
        await server.offered()
        self._again = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._again


@hookimpl
def layers() -> list[type[DowngradeRetry]]:
    return [DowngradeRetry]
