"""many.c with asyncio: the same arguments, the same line of numbers."""
import asyncio
import sys
import time

TICK_S = 0.001


class Ticker:
    """By how much its latest tick was late."""

    def __init__(self):
        self.stall_s = 0

    async def run(self):
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self.stall_s = max(self.stall_s, now - last - TICK_S)
            last = now


async def by_hand(host, port, proxy):
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    writer.write(b"\5\1\0")
    if (await reader.readexactly(2))[1] != 0:
        raise ConnectionError
    address = bytes(map(int, host.split(".")))
    writer.write(b"\5\1\0\1" + address + port.to_bytes(2, "big"))
    if (await reader.readexactly(10))[1] != 0:
        raise ConnectionError
    return reader, writer


async def one(side, host, port, proxy):
    """right, wrong or missing"""
    try:
        reader, writer = await (by_hand(host, port, proxy) if side == "socks" else
                                asyncio.open_connection(host, port))
        writer.write(b"x\n")
        line = await reader.readline()
        writer.close()
    except (OSError, EOFError):
        return "missing"
    return "right" if line == b"%s %d\n" % (host.encode(), port) else "wrong"


async def main(side, count, host, port, proxy):
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    await asyncio.sleep(0)
    total = -time.monotonic()
    tasks = []
    for i in range(int(count)):
        tasks.append(asyncio.create_task(one(side, host, int(port) + i, int(proxy))))
        await asyncio.sleep(0)
    became = await asyncio.gather(*tasks)
    total += time.monotonic()
    ticking.cancel()
    print(int(total * 1e9), int(ticker.stall_s * 1e9),
          *(became.count(what) for what in ("right", "wrong", "missing")))


asyncio.run(main(*sys.argv[1:]))
