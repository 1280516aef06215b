"""datagram.py connected|unconnected|asyncio HOST PORT [TEXT...]: says each text in a datagram
to an echo and prints what comes, and from where."""
import asyncio
import socket
import sys

way, host, port, *texts = sys.argv[1:]


class Protocol(asyncio.DatagramProtocol):
    def __init__(self):
        self.heard = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.heard.put_nowait((data, addr))

    def error_received(self, exc):
        print(exc)


async def by_asyncio():
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Protocol, remote_addr=(host, port))
    for text in texts:
        transport.sendto(text.encode())
        data, addr = await asyncio.wait_for(protocol.heard.get(), 20)
        print(data.decode(), "from", addr[1])


def by_socket():
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(family, kind)
    sock.settimeout(20)
    if way == "connected":
        sock.connect(address)
    for text in texts:
        if way == "connected":
            sock.send(text.encode())
        else:
            sock.sendto(text.encode(), address)
        data, peer = sock.recvfrom(2000)
        print(data.decode(), "from", peer[1] if peer == address else peer)


if way == "asyncio":
    asyncio.run(by_asyncio())
else:
    by_socket()
