"""`Arriving`: bodies of images while they are sent and read, bounded one by one and together, in bytes and seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from atfm.serve.limits import Limits
from atfm.serve.refusal import Refusal

__all__ = ["Arriving"]

SILENCE = 20.0  # seconds without a byte


class Arriving:
    """Of one event loop.

    Args:
        limits: see `Limits`.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.nbytes = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request; it counts until the block ends.

        Raises:
            Refusal: it is larger or slower than it may be, or too many are on their way.
            ClientDisconnect: the caller hung up.
        """
        taken = [0]
        try:
            yield await self._received(request, taken)
        finally:
            self.nbytes -= taken[0]

    async def _received(self, request: Request, taken: list[int]) -> bytes:
        """The body; `taken` tells meanwhile how many bytes of it are here."""
        limits, parts = self.limits, list[bytes]()
        most = Refusal(413, f"the image has more than {limits.upload} bytes, as many as are taken; send a part of it")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > limits.upload:
            raise most
        stream = request.stream()
        try:
            async with asyncio.timeout(limits.receive):
                while True:
                    try:
                        part = await asyncio.wait_for(anext(stream), SILENCE)
                    except StopAsyncIteration:
                        return b"".join(parts)
                    taken[0] += len(part)
                    self.nbytes += len(part)
                    if taken[0] > limits.upload:
                        raise most
                    parts.append(part)
                    if self.nbytes > limits.arriving:
                        raise Refusal(503, "too many images are on their way; try again", {"Retry-After": "5"})
        except TimeoutError:
            raise Refusal(408, f"the image did not arrive within {limits.receive:g} s; send it again") from None
