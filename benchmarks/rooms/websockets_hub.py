"""A hub with the package `websockets`, over TLS, as its documentation recommends it: `broadcast` to all connections.

python -m benchmarks.rooms.websockets_hub PORT CERTIFICATE
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.rooms.hub import HOST, tls


async def main(port: int, certificate: str) -> None:
    members: set[ServerConnection] = set()

    async def member(connection: ServerConnection) -> None:
        members.add(connection)
        try:
            async for message in connection:
                broadcast(members, message)
        finally:
            members.discard(connection)

    async with serve(member, HOST, port, ssl=tls(certificate), compression=None, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
