"""Files that never change under their name, which has their digest in it: a browser asks for each once."""

from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from web.refusals import NotFound
from web.town import LOGOS, Look

FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", **LOGOS}
FOR_EVER = "public, max-age=31536000, immutable"


class Static:
    """Every file of the folder and what a town adds; `url("style.css")` is where a page finds one."""

    def __init__(self, look: Look, logo: tuple[str, bytes] | None = None) -> None:
        self._urls: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        colours = f":root{{--primary:{look.primary};--accent:{look.accent}}}\n".encode()
        for path in sorted(FOLDER.iterdir()):
            self._add(path.name, (colours if path.suffix == ".css" else b"") + path.read_bytes())
        if logo:
            self._add(f"logo{logo[0]}", logo[1])
            self.logo: str | None = self.url(f"logo{logo[0]}")
        else:
            self.logo = None

    def url(self, name: str) -> str:
        return self._urls[name]

    async def serve(self, request: Request) -> Response:
        found = self._files.get(request.url.path)
        if found is None:
            raise NotFound
        content, kind = found
        return Response(content, media_type=kind, headers={"Cache-Control": FOR_EVER})

    def _add(self, name: str, content: bytes) -> None:
        stem, _, ending = name.rpartition(".")
        url = f"/static/{stem}.{sha256(content).hexdigest()[:12]}.{ending}"
        self._urls[name] = url
        self._files[url] = (content, KINDS[f".{ending}"])
