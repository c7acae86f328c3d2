"""Letters as one PDF, each on a sheet of its own, its address in the window of a French envelope (DL or C5)."""

import json
from collections.abc import Sequence
from pathlib import Path

from french.paris import day_in_paris
from french.wording import day

from identity.letters.queue import Letter
from identity.models import Town

#: Data is given beside it, never written into it: nothing that a town or a family says is markup.
TEMPLATE = Path(__file__).with_name("letters.typ").read_bytes()


def pdf(letters: Sequence[Letter], town: Town, web_url: str) -> bytes:
    """Takes some 3 ms a letter. The fonts are the compiler's own, and are embedded."""
    import typst  # 25 MB that a process which prints nothing need not have

    content = {
        "town": town.name,
        "desk": f"{town.desk_name}, {town.desk_address}. Téléphone : {town.desk_phone}.",
        "letters": [
            {
                "number": one.number,
                "address": [one.recipient, *one.address],
                "date": day(day_in_paris(one.created_at)),
                "title": one.title,
                "paragraphs": one.paragraphs,
                "link": f"{web_url.rstrip('/')}{one.link}" if one.link else "",
            }
            for one in letters
        ],
    }
    return typst.compile(TEMPLATE, sys_inputs={"content": json.dumps(content)}, ignore_system_fonts=True)
