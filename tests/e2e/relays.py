"""The associations of a knobd: knob udp (RFC 1928 sections 4, 6 and 7).

Each has a relay, a UDP port of its own on the server's address, for as long as its
connection stands. It listens to the first that sends to it, as dante does; what comes from
others is noted ("stranger") and dropped. With connect=0 it answers by itself with what it
was sent, in the name of the destination. Further knobs:
  udp_bnd=KIND      what the reply calls the relay: real (default), zero, zero6, loopback,
                    name
  udp_source=KIND   what the answers call their sender: real (default), said (as it was
                    written in what the client sent there last), zero, other
  udp_junk=KIND     before each answer comes what is none: fragment, short, empty, type
                    (of the address), cut (inside the address), foreign (from another
                    port than the relay's); may be repeated, and "all" is all of them
  udp_end=N         the connection is closed after N answers
"""
import contextlib
import ipaddress
import selectors
import socket
import struct

ASSOCIATE = 3
ATYPS = {1: "ipv4", 3: "name", 4: "ipv6"}
ZERO, ZERO6 = b"\1\0\0\0\0", b"\4" + bytes(16)
BOUND = {"zero": ZERO, "zero6": ZERO6, "loopback": b"\1\x7f\0\0\1", "name": b"\3\5relay"}
OTHER = b"\1\xc0\0\2\x63\x12\x34"  # 192.0.2.99:4660
NOISE = b"this is none of the answers"
JUNK = {
    "fragment": b"\0\0\1\1\xcb\0\x71\x0a\0\7" + NOISE,
    "short": b"\0\0\0",
    "empty": b"",
    "type": b"\0\0\0\2\xcb\0\x71\x0a\0\7" + NOISE,
    "cut": b"\0\0\0\4" + bytes(12),
    "foreign": b"\0\0\0\1\xcb\0\x71\x0a\0\7" + NOISE,
}
LARGEST = 1 << 16


def pack(host, port):
    """Address type, address and port of a socket's peer."""
    ip = ipaddress.ip_address(host)
    return bytes((1 if ip.version == 4 else 4,)) + ip.packed + struct.pack("!H", port)


def parse(data):
    """(FRAG, address type, host, port, where the payload begins); ValueError"""
    if len(data) < 5 or data[3] not in ATYPS:
        raise ValueError("no header")
    size = {1: 4, 3: 1 + data[4], 4: 16}[data[3]]
    end = 4 + size + 2
    if len(data) < end:
        raise ValueError("cut")
    raw = data[4:4 + size]
    host = raw[1:].decode("latin-1") if data[3] == 3 else str(ipaddress.ip_address(raw))
    return data[2], ATYPS[data[3]], host, struct.unpack("!H", data[end - 2:end])[0], end


class Relay:
    def __init__(self, knobs, control, log):
        self.knobs, self.control, self.log = knobs, control, log
        self.client, self.said, self.answers = None, {}, 0
        self.address = control.getsockname()[0]
        self.sock = self.bind(self.address)
        self.port = self.sock.getsockname()[1]
        self.out = {4: self.bind("0.0.0.0"), 6: self.bind("::")}
        self.foreign = self.bind(self.address)
        log("relay", address=self.address, port=self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in (self.sock, *self.out.values(), self.foreign):
            sock.close()

    @staticmethod
    def bind(address):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                             socket.SOCK_DGRAM)
        sock.bind((address, 0))
        return sock

    def bound(self):
        """What the reply says."""
        kind = self.knobs.get("udp_bnd", "real")
        if kind == "real":
            return pack(self.address, self.port)
        return BOUND[kind] + struct.pack("!H", self.port)

    def resolve(self, host, port):
        for entry in self.knobs.get("hosts", []):
            name, address = entry.split(":", 1)
            if name in ("*", host):
                host = address
        return socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][:2]

    def from_client(self, data, peer):
        peer = f"{peer[0]} {peer[1]}"
        if self.client not in (None, peer):
            return self.log("stranger", peer=peer)
        self.client = peer
        try:
            fragment, atyp, host, port, end = parse(data)
        except ValueError as why:
            return self.log("datagram", peer=peer, error=str(why), hex=data[:64].hex())
        self.log("datagram", peer=peer, fragment=fragment, atyp=atyp, host=host, port=port,
                 size=len(data) - end)
        if fragment:
            return None
        if self.knobs.get("connect") == "0":
            return self.answer(data[3:end], data[3:end], data[end:])
        with contextlib.suppress(OSError):
            where = self.resolve(host, port)
            self.said[where] = data[3:end]
            self.out[6 if ":" in where[0] else 4].sendto(data[end:], where)
        return None

    def answer(self, real, said, payload):
        """A datagram to the client, and the junk before it."""
        where = self.client.rsplit(" ", 1)
        where = where[0], int(where[1])
        wanted = self.knobs.get("udp_junk", [])
        for kind in JUNK if "all" in wanted else wanted:
            (self.foreign if kind == "foreign" else self.sock).sendto(JUNK[kind], where)
        source = {"real": real, "said": said, "zero": ZERO + b"\0\0",
                  "other": OTHER}[self.knobs.get("udp_source", "real")]
        self.sock.sendto(b"\0\0\0" + source + payload, where)
        self.answers += 1

    def serve(self):
        """Returns why it is over."""
        with selectors.DefaultSelector() as reading:
            for sock in (self.control, self.sock, *self.out.values()):
                reading.register(sock, selectors.EVENT_READ)
            while self.answers < int(self.knobs.get("udp_end", 1 << 60)):
                for sock in [key.fileobj for key, _ in reading.select()]:
                    if sock is self.sock:
                        self.from_client(*self.sock.recvfrom(LARGEST))
                    elif sock is not self.control:
                        data, peer = sock.recvfrom(LARGEST)
                        real = pack(*peer[:2])
                        self.answer(real, self.said.get(peer[:2], real), data)
                    elif got := self.control.recv(LARGEST):
                        self.log("after", hex=got.hex())
                    else:
                        return "eof"
        return "closed"
