"""The French pages of the stand-ins, readable without script."""

import re
from html import escape

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; color: #1e1e1e; }
article, form { border-top: 1px solid #767676; padding: 1rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.5rem; font-size: 1.1rem; }
dt { color: #565c64; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
button { font: inherit; min-height: 2.75rem; padding: .6rem 1.2rem; margin: 0 .5rem .5rem 0; cursor: pointer; }
button[value=P] { color: #fff; background: #1d4e6b; border: 2px solid #1d4e6b; font-weight: 700; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def page(title: str, content: str) -> str:
    """A whole page; `content` is HTML, `title` is not."""
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )


def with_links(text: str) -> str:
    """The text escaped for HTML, its web addresses clickable."""
    pieces = re.split(r"(https?://[^\s<>\"]*[^\s<>\".,;:!?)\]])", text)
    return "".join(
        f'<a href="{escape(piece)}">{escape(piece)}</a>' if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )
