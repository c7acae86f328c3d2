"""Waiting, without asyncio at the caller: tests and fixtures use the launcher from inside and outside event loops."""

import asyncio
import http.client
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end in a loop and a thread of its own, since the caller's thread may have a loop already."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def answers(url: str) -> bool:
    """Whether a GET of that http URL answers 200 within two seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
