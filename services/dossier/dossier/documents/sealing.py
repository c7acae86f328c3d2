"""A file sealed piece by piece, so that no more of it is in memory than one.

It begins with the key's name (after its length) and a salt: each file has a key of its own. Each piece is numbered, and
the last one says that it is: none can be left out, moved, altered, or cut off the end unseen.
"""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag

from dossier.keys import Ring

#: Of the content; sealed it has its proof as well.
PIECE = 256 * 1024
_SALT, _PROOF = 16, 16


def seal(ring: Ring, about: str, content: Iterable[bytes], target: BinaryIO) -> None:
    """Write the content, which comes in pieces of that size, by the newest key."""
    name, salt = ring.newest.encode(), secrets.token_bytes(_SALT)
    target.write(bytes([len(name)]) + name + salt)
    key = ring.once(ring.newest, about, salt)
    target.writelines(key.encrypt(nonce, piece, None) for nonce, piece in _numbered(content))


def opened(ring: Ring, about: str, path: Path) -> Iterator[bytes]:
    """The content, in pieces.

    Raises FileNotFoundError, KeyError where the key has gone, InvalidTag where it is not what was sealed.
    """
    with path.open("rb") as file:
        key_id, salt = _beginning(file)
        key = ring.once(key_id, about, salt)
        for nonce, piece in _numbered(pieces(file, PIECE + _PROOF)):
            yield key.decrypt(nonce, piece, None)


def key_of(path: Path) -> str:
    """By which it is sealed. Raises FileNotFoundError, InvalidTag."""
    with path.open("rb") as file:
        return _beginning(file)[0]


def pieces(file: BinaryIO, size: int = PIECE) -> Iterator[bytes]:
    """What is left of it."""
    while piece := file.read(size):
        yield piece


def _beginning(file: BinaryIO) -> tuple[str, bytes]:
    length = file.read(1)
    key_id, salt = file.read(length[0] if length else 0), file.read(_SALT)
    if len(salt) < _SALT:
        raise InvalidTag
    return key_id.decode(errors="replace"), salt


def _numbered(all_pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each with its nonce: its number, then whether it is the last. Of nothing, one empty piece."""
    coming = iter(all_pieces)
    piece, number = next(coming, b""), 0
    while True:
        following = next(coming, None)
        yield number.to_bytes(11, "big") + bytes([following is None]), piece
        if following is None:
            return
        piece, number = following, number + 1
