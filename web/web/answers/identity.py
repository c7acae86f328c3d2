"""What identity answers."""

from web.answers import Answer


class Me(Answer):
    id: str
    role: str
    first_name: str


class LegalText(Answer):
    version: str
    title: str
    text: str


class Reset(Answer):
    username: str
    first_name: str


class Invitation(Answer):
    """Of somebody of the staff; `uri` is what their application reads."""

    username: str
    first_name: str
    secret: str
    uri: str

    @property
    def key(self) -> str:
        """The secret by fours, to be typed."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))


class RecoveryCodes(Answer):
    recovery_codes: list[str]
