"""Serves the stand-ins in one light process, until SIGTERM or Ctrl-C: SMTP, the mails over HTTP, PayFiP
and API Particulier over HTTP."""

import argparse
import asyncio
import json
import logging
import signal

from aiohttp import web
from aiosmtpd.smtp import SMTP

from .mailbox import Mailbox
from .particulier import Particulier
from .payfip import PayFiP


async def healthy(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def listen(application: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Serve the application and give its address, in which port 0 has become a free one."""
    application.router.add_get("/healthz", healthy)
    # handler_cancellation: an answer that is held back must end when its client goes away.
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner, f"http://{host}:{runner.addresses[0][1]}"


async def serve(host: str, payfip_port: int, mail_port: int, smtp_port: int) -> None:
    """Listen on the three ports and print their addresses as one line of JSON once all are open."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    mailbox = Mailbox()
    smtp = await loop.create_server(lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname=host), host, smtp_port)
    mail_runner, mail = await listen(mailbox.application(), host, mail_port)
    outside = PayFiP().application()
    outside.add_routes(Particulier().routes())
    payfip_runner, payfip = await listen(outside, host, payfip_port)
    smtp_address = f"smtp://{host}:{smtp.sockets[0].getsockname()[1]}"
    print(json.dumps({"payfip": payfip, "mail": mail, "smtp": smtp_address}), flush=True)
    await stop.wait()
    smtp.close()
    await asyncio.gather(mail_runner.cleanup(), payfip_runner.cleanup())


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    for name in ("payfip", "mail", "smtp"):
        parser.add_argument(f"--{name}-port", type=int, required=True, help="0 takes a free one")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
