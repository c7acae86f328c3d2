"""Identifiers: UUIDv7 (RFC 9562), ordered by the time they were made."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

# 2026-01-01T00:00:00Z in milliseconds: what a named id shows where others show when they were made.
_NAMED_AT = 1_767_225_600_000


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid_utils.compat.uuid7()


def made_at(identifier: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def named_id(*names: str) -> UUID:
    """The one UUIDv7-shaped id of these names, the same in every process: for what a town's description names."""
    digest = int.from_bytes(hashlib.sha256("\x1f".join(names).encode()).digest()[:10], "big")
    value = _NAMED_AT << 80 | digest
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
