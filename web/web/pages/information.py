"""What is only read: help, legal notice, accessibility and personal data."""

from starlette.responses import Response

from web.answers.identity import LegalText
from web.visits import Handler, Visit, route


def _page(template: str, *texts: str) -> Handler:
    async def show(visit: Visit) -> Response:
        return visit.page(f"information/{template}.html", texts=[await legal_text(visit, kind) for kind in texts])

    return show


async def legal_text(visit: Visit, kind: str) -> LegalText:
    """That in force: « terms » or « privacy »."""
    return LegalText.model_validate(await visit.api.public("GET", f"/identity/v1/legal/{kind}"))


ROUTES = [
    route("/aide", _page("help"), public=True),
    route("/accessibilite", _page("accessibility"), public=True),
    route("/mentions-legales", _page("legal_notice", "terms"), public=True),
    route("/donnees-personnelles", _page("personal_data", "privacy"), public=True),
]
