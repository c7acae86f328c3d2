"""What a file really is, found from its content, and what is kept of it: a process of its own, with limits of its own.

`python -m dossier.documents.inspection SOURCE TARGET`: a file that is made to harm a reader harms this process alone,
which has no secrets, little memory and little time. Images are drawn anew, without anything but their points.
"""

import resource
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copyfile
from typing import Any

from dossier.documents.rules import Fault

SECONDS = 20
MEMORY = 1 << 30
#: Of what is written.
FILE = 32 << 20
#: More are not even decoded.
PIXELS = 50_000_000
#: A4 at 300 dots an inch, and some more.
LONGEST_SIDE = 4000

#: Where a PDF holds what does something by itself: keys of dictionaries, and names that are values.
_ACTIVE_KEYS = {"/JS", "/JavaScript", "/XFA", "/EmbeddedFiles", "/EF", "/RichMediaContent"}
_ACTIVE_NAMES = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/EmbeddedFile", "/RichMedia", "/GoToE"}

#: How many files a process has inspected at the same time: others wait.
INSPECTORS = ThreadPoolExecutor(2, "inspector")


class RefusedFile(Exception):
    """A file that is not taken; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def inspect(source: Path, target: Path) -> str:
    """The media type of the file, of which `target` is then what is kept. Raises RefusedFile."""
    with source.open("rb") as file:
        head = file.read(8)
    if not head:
        raise RefusedFile(Fault.EMPTY)
    if head.startswith(b"%PDF-"):
        _inspect_pdf(source)
        copyfile(source, target)
        return "application/pdf"
    if head.startswith(b"\xff\xd8\xff"):
        return _redraw(source, target, "JPEG")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _redraw(source, target, "PNG")
    raise RefusedFile(Fault.UNKNOWN)


def _inspect_pdf(source: Path) -> None:
    import pikepdf  # as Pillow below: only where it is needed, half of a small file's time

    try:
        with pikepdf.open(source) as pdf:
            if not len(pdf.pages):
                raise RefusedFile(Fault.UNREADABLE)
            for each in pdf.objects:
                if _is_active(each):
                    raise RefusedFile(Fault.ACTIVE)
    except pikepdf.PasswordError:
        raise RefusedFile(Fault.LOCKED) from None
    except pikepdf.PdfError:
        raise RefusedFile(Fault.UNREADABLE) from None


def _is_active(whole: Any) -> bool:
    """Whether there is such a thing in the object, or in what is written within it."""
    import pikepdf

    parts = [whole]
    while parts:
        part = parts.pop()
        if isinstance(part, pikepdf.Dictionary | pikepdf.Stream):
            if set(part.keys()) & _ACTIVE_KEYS:
                return True
            inner = [value for _, value in part.items()]
        elif isinstance(part, pikepdf.Array):
            inner = list(part)
        else:
            continue
        for value in inner:
            if isinstance(value, pikepdf.Name) and str(value) in _ACTIVE_NAMES:
                return True
            if isinstance(value, pikepdf.Object) and not value.is_indirect:
                parts.append(value)
    return False


def _redraw(source: Path, target: Path, kind: str) -> str:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(source, formats=[kind]) as image:
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is never in memory at its full size
            upright = ImageOps.exif_transpose(image)
            plain = upright.convert("RGBA" if kind == "PNG" and upright.has_transparency_data else "RGB")
        plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        plain.info.clear()
        plain.save(target, kind, quality=85)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise RefusedFile(Fault.TOO_MANY_PIXELS) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError):  # Pillow's own, on bad files
        raise RefusedFile(Fault.UNREADABLE) from None
    return f"image/{kind.lower()}"


def inspect_apart(source: Path, target: Path) -> str:
    """The same in a process of its own, which nothing in the file outlives. Raises RefusedFile."""
    command = [sys.executable, "-m", "dossier.documents.inspection", str(source), str(target)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=3 * SECONDS, env={}, check=False)
    except subprocess.TimeoutExpired:
        raise RefusedFile(Fault.UNREADABLE) from None
    if ended.returncode == 0:
        return ended.stdout.strip()
    said = ended.stdout.strip()
    raise RefusedFile(Fault(said) if said in set(Fault) else Fault.UNREADABLE)


def main(source: str, target: str) -> int:
    """Says the media type, or the fault and 1."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        print(inspect(Path(source), Path(target)))
    except RefusedFile as refused:
        print(refused.fault)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
