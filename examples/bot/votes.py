"""A bot that counts votes: `+tea` is one for tea, and `votes?` asks for the count.

python votes.py chat.example.org SHA256:...     it comes back after a cut, and a missed vote still counts
"""

import asyncio
import sys
from collections import Counter

import plytalk


async def main(address: str, fingerprint: str) -> None:
    votes: Counter[str] = Counter()
    async with plytalk.connect(address, peer=fingerprint, name="votes", reconnect=True) as chat:
        async for event in chat:
            if not isinstance(event, plytalk.Message) or event.own:
                continue
            if event.text.startswith("+"):
                votes[event.text[1:]] += 1
            elif event.text == "votes?":
                to = event.sender.name if event.private else None
                await chat.send(", ".join(f"{what}: {count}" for what, count in votes.most_common()) or "none yet", to=to)


asyncio.run(main(*sys.argv[1:]))
