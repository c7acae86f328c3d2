"""What each answer tells the browser to refuse: foreign scripts, frames, guesses of types, being kept."""

from chassis.settings import in_production
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def policy(payfip_origin: str) -> str:
    """The content security policy: ourselves alone, and forms that lead to PayFiP (a browser judges redirects too)."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action 'self' {payfip_origin}; base-uri 'none'; frame-ancestors 'none'"
    )


class Headers:
    """Around the application: adds what an answer does not say itself."""

    def __init__(self, app: ASGIApp, payfip_origin: str) -> None:
        self.app = app
        said = {
            "content-security-policy": policy(payfip_origin),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
            "cache-control": "no-store",
        }
        if in_production():
            said["strict-transport-security"] = "max-age=31536000"
        self.said = [(name.encode(), value.encode()) for name, value in said.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in self.said if one[0] not in there)]
            await send(message)

        await self.app(scope, receive, answer)
