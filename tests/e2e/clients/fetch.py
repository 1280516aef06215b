"""fetch.py urllib URL...     one after the other
fetch.py asyncio HOST...    all at once in one event loop, from port 80

Prints what every one answers.
"""
import asyncio
import sys
import urllib.request


async def fetch(host):
    reader, writer = await asyncio.open_connection(host, 80)
    writer.write(f"GET /hello HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode().rpartition("\r\n\r\n")[2]


async def fetch_all(hosts):
    return await asyncio.gather(*(fetch(host) for host in hosts))


if sys.argv[1] == "asyncio":
    print(*asyncio.run(fetch_all(sys.argv[2:])), sep="", end="")
else:
    for url in sys.argv[2:]:
        print(urllib.request.urlopen(url).read().decode(), end="")
