"""What a browser sends with a form, and what is wrong with it."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from web.refusals import Refused, TooLarge

BODY_LIMIT = 64_000
#: Of a form with a file, which may weigh 10 MB: more than that is not even looked at.
FILE_LIMIT = 11_000_000
FIELDS_LIMIT = 1000
#: The idempotency key of a form that moves places or money.
ONCE = "cle"
KEY_REUSED = "urn:problem:idempotency-key-reused"


@dataclass(frozen=True)
class FieldError:
    """`name` is the input's, or the path of the page where it is; empty for what concerns the form as a whole."""

    name: str
    message: str


@dataclass
class Form:
    """The values by the inputs' names, and the errors to show with them."""

    values: dict[str, list[str]] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)
    file: UploadFile | None = None

    def get(self, name: str, default: str = "") -> str:
        """The only or last value of that name."""
        return self.values[name][-1] if self.values.get(name) else default

    def all(self, name: str) -> list[str]:
        return self.values.get(name, [])

    def picked(self, *names: str) -> dict[str, str]:
        """These inputs' values, spaces at their ends removed."""
        return {name: self.get(name).strip() for name in names}

    def filled(self, *names: str) -> dict[str, str]:
        """The same, but for those that are empty."""
        return {name: value for name, value in self.picked(*names).items() if value}

    def number(self, name: str) -> int | str:
        """A whole number, however it was spaced; what is none is left to be refused by the API."""
        digits = "".join(self.get(name).split())
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 8 else digits

    def message(self, name: str) -> str:
        """What is wrong with that input, in one text."""
        return " ".join(error.message for error in self.errors if error.name == name)

    def refuse(self, name: str, message: str) -> None:
        self.errors.append(FieldError(name, message))

    def require(self, **messages: str) -> bool:
        """Refuse those that are empty; whether nothing is wrong."""
        for name, message in messages.items():
            if not self.get(name).strip():
                self.refuse(name, message)
        return not self.errors

    def refused(self, problem: Refused, names: Iterable[str], instead: Mapping[str, str] | None = None) -> None:
        """Show what the API says beside the inputs of these names; the rest above the form.

        `instead` gives the input for a field that has another name in the API.
        """
        if problem.type == KEY_REUSED:
            # Sent already, then changed after going back: asked again under a key of its own.
            self.values.pop(ONCE, None)
            self.refuse("", "Cette page avait déjà été envoyée. Vérifiez vos choix, puis validez-les de nouveau.")
            return
        known, instead = set(names), instead or {}
        for pointer, detail in problem.errors:
            name = pointer.strip("/")
            name = instead.get(name, name)
            self.refuse(name if name in known else "", detail)
        if not problem.errors:
            self.refuse("", problem.detail)

    @classmethod
    async def read_with_file(cls, request: Request) -> "Form":
        """The body of a POST that has a file, of which no more than a megabyte is in memory. Raises TooLarge.

        A form that was kept while its sender signed in again has lost it.
        """
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return await cls.read(request)

        async def limited() -> AsyncGenerator[bytes, None]:
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size > FILE_LIMIT:
                    raise TooLarge
                yield chunk

        form = cls()
        try:
            parser = MultiPartParser(
                request.headers, limited(), max_files=1, max_fields=FIELDS_LIMIT, max_part_size=BODY_LIMIT
            )
            sent = await parser.parse()
        except MultiPartException:
            return form  # nothing in it is ours
        for name, value in sent.multi_items():
            if isinstance(value, str):
                form.values.setdefault(name, []).append(value.replace("\x00", ""))
            elif value.size:
                form.file = value
            else:  # no file was chosen
                await value.close()
        return form

    async def close(self) -> None:
        """The file is needed no more."""
        if self.file is not None:
            await self.file.close()

    @classmethod
    async def read(cls, request: Request) -> "Form":
        """The body of a POST. Raises TooLarge."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise TooLarge
        try:
            pairs = parse_qsl(
                body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=FIELDS_LIMIT, errors="replace"
            )
        except ValueError:
            raise TooLarge from None
        form = cls()
        for name, value in pairs:
            form.values.setdefault(name, []).append(value.replace("\x00", ""))
        return form
