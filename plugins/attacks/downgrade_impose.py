"""Downgrade by force: the server chooses what nobody offered."""

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.plugins.noise import impostor


class DowngradeImpose(impostor.Posing):
    """Poses as a server that chooses a weak suite which the client never offered.

    The list is there, and nobody looks whether the answer is on it.
    """

    name = "downgrade-impose"
    row = "A14"
    reference = "FREAK, CVE-2015-0204"

    async def take(self, interceptor: Interceptor) -> None:
        server = impostor.ImpostorServer(interceptor.leg(Role.RESPONDER).io)
        await server.offered()
        [suite] = impostor.FOREIGN
        interceptor.log(f"chose {suite}, whatever was offered")
        await server.serve(suite, impostor.own_identity())


@hookimpl
def layers() -> list[type[DowngradeImpose]]:
    return [DowngradeImpose]
