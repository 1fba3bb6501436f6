"""The plain program: a hub as one writes it with asyncio's streams. Every line goes to everybody.

python -m benchmarks.rooms.hub PORT [CERTIFICATE]
"""

import asyncio
import ssl
import sys

HOST = "127.0.0.1"


def tls(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate)
    return context


async def serve(port: int, certificate: str | None) -> None:
    members: set[asyncio.StreamWriter] = set()

    async def member(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        members.add(writer)
        writer.write(b"welcome\n")
        try:
            async for line in reader:
                for each in members:
                    each.write(line)
        finally:
            members.discard(writer)
            writer.close()

    server = await asyncio.start_server(member, HOST, port, ssl=tls(certificate) if certificate else None)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
