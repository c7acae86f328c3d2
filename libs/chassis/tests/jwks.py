"""Identity as far as a service sees it: an address that answers with public keys, or with something else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from chassis.testing import Signer


class Jwks:
    """`answer` is what it gives, an exception for a failure; `asked` counts the calls."""

    def __init__(self, signer: Signer) -> None:
        self.url = ""
        self.asked = 0
        self.answer: object = signer.keys.as_dict(private=False)

    async def handle(self, _: web.Request) -> web.Response:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return web.json_response(self.answer)


@asynccontextmanager
async def jwks(signer: Signer) -> AsyncIterator[Jwks]:
    """Listening on a free port, until leaving."""
    keys = Jwks(signer)
    application = web.Application()
    application.router.add_get("/jwks.json", keys.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    keys.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    try:
        yield keys
    finally:
        await runner.cleanup()
