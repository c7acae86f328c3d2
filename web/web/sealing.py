"""What a browser keeps for us without being able to read or change it: JWE, by keys that can be rotated."""

import json
import secrets
from base64 import urlsafe_b64decode
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, OctKey

_ALGORITHMS = ["dir", "A256GCM"]


def new_keys() -> str:
    """One new key, as the setting takes it."""
    return json.dumps([OctKey.generate_key(256, {"kid": secrets.token_hex(4)}).as_dict(private=True)])


class Seal:
    """Seals and opens small JSON objects; each says what it is for, so that none is taken for another."""

    def __init__(self, keys: str) -> None:
        said = json.loads(keys)
        if not isinstance(said, list) or not said:
            raise ValueError("no list of keys")
        if any(len(urlsafe_b64decode(one["k"] + "==")) != 32 for one in said):
            raise ValueError("not 256 bits")
        found: list[Key] = [OctKey.import_key(one) for one in said]
        for key in found:
            key.ensure_kid()
        self._first, self._all = found[0], KeySet(found)

    def close(self, purpose: str, content: dict[str, Any]) -> str:
        header = {"alg": "dir", "enc": "A256GCM", "kid": self._first.kid, "typ": purpose}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return jwe.encrypt_compact(header, text.encode(), self._first, algorithms=_ALGORITHMS)

    def open(self, purpose: str, sealed: str) -> dict[str, Any] | None:
        """None for what we did not seal, sealed for another purpose, or whose key has gone."""
        try:
            opened = jwe.decrypt_compact(sealed, self._all, algorithms=_ALGORITHMS)
            if opened.protected.get("typ") != purpose or opened.plaintext is None:
                return None
            content: dict[str, Any] = json.loads(opened.plaintext)
        except (JoseError, ValueError):
            return None
        return content
