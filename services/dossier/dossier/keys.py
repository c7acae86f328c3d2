"""The keys that health records and documents are sealed by: the first seals, all open, so that one can take the place
of another.
"""

import json
import secrets
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


def new_key() -> dict[str, str]:
    """One, as the setting lists it: AES of 256 bits."""
    return {"id": secrets.token_hex(4), "key": b64encode(secrets.token_bytes(32)).decode()}


class Ring:
    """Seals by its first key; what is sealed for one thing (`about`) is not opened for another."""

    def __init__(self, keys: str) -> None:
        said = json.loads(keys)
        if not isinstance(said, list) or not said:
            raise ValueError("no list of keys")
        self._keys = {one["id"]: b64decode(one["key"], validate=True) for one in said}
        if len(self._keys) < len(said) or any(len(key) != 32 for key in self._keys.values()):
            raise ValueError("two keys of one id, or a key that has not 256 bits")
        self.newest: str = said[0]["id"]

    def seal(self, about: str, content: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._keys[self.newest]).encrypt(nonce, content, about.encode())

    def open(self, key_id: str, about: str, sealed: bytes) -> bytes:
        """Raises KeyError where the key has gone, InvalidTag where it is not what was sealed."""
        return AESGCM(self._keys[key_id]).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())

    def once(self, key_id: str, about: str, salt: bytes) -> AESGCM:
        """A key made of that one for a single thing, of which each nonce may then be counted. Raises KeyError."""
        return AESGCM(HKDF(SHA256(), 32, salt, about.encode()).derive(self._keys[key_id]))
