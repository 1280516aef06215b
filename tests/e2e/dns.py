"""The DNS server of the test network: answers A, AAAA and PTR, logs every question.

A name is KIND-ANYTHING.sx.test; its kind alone decides the answer, so each case can
ask for a name that nobody has asked for before and nobody's cache knows. Every name
that ends in ANY has an IPv4 address. The targets' addresses have names, others none.
"""
import collections
import socket
import struct
import threading

from world import (CLIENT4, CLIENT6, DNS4, DNS6, NO_ROUTE4, PROXY4, PROXY6, UNREACHABLE4,
                   WEB4, WEB6)

ZONE = ".sx.test"
ANY = ".any" + ZONE
SECOND4, SECOND6 = "203.0.113.54", "2001:db8:f::54"  # the same server
REVERSE = (".113.0.203.in-addr.arpa", ".f.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
KINDS = {
    "web": (WEB4, WEB6), "web4": (WEB4, None), "web6": (None, WEB6),
    "socks": (PROXY4, PROXY6), "socks4": (PROXY4, None), "socks6": (None, PROXY6),
    "far": (UNREACHABLE4, None), "noroute": (NO_ROUTE4, None),
}
A, PTR, AAAA = 1, 12, 28
TYPES = {A: "A", PTR: "PTR", AAAA: "AAAA"}
NAME_ERROR = 3

Question = collections.namedtuple("Question", "peer name type")


def read_name(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
        at += 1 + data[at]
    return ".".join(labels).lower(), at + 1


def write_name(name):
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def lookup(name, kind):
    """The answer's data; b"" for a name without such a record, None for no name."""
    if kind == PTR and name.endswith(REVERSE):
        return write_name("ptr" + ZONE)
    addresses = None
    if name.endswith(ZONE):
        addresses = KINDS.get("web4" if name.endswith(ANY) else name.split("-")[0])
    if not addresses:
        return None
    if kind == A and addresses[0]:
        return socket.inet_aton(addresses[0])
    if kind == AAAA and addresses[1]:
        return socket.inet_pton(socket.AF_INET6, addresses[1])
    return b""


def reply(data):
    """(name, type, the answer to the question in data)"""
    ident, flags = struct.unpack("!HH", data[:4])
    name, end = read_name(data, 12)
    kind = struct.unpack("!H", data[end:end + 2])[0]
    found = lookup(name, kind)
    code = NAME_ERROR if found is None else 0
    head = struct.pack("!6H", ident, 0x8480 | (flags & 0x0100) | code, 1, 1 if found else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(found)) + found if found else b""
    return name, TYPES.get(kind, str(kind)), head + data[12:end + 4] + record


class Dns:
    def __init__(self):
        self.asked = []
        for family, address in ((socket.AF_INET, DNS4), (socket.AF_INET, SECOND4),
                                (socket.AF_INET6, DNS6), (socket.AF_INET6, SECOND6)):
            udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.bind((address, 53))
            tcp = socket.socket(family, socket.SOCK_STREAM)
            tcp.bind((address, 53))
            tcp.listen(64)
            threading.Thread(target=self.serve_udp, args=(udp,), daemon=True).start()
            threading.Thread(target=self.serve_tcp, args=(tcp,), daemon=True).start()

    def answer(self, data, peer):
        name, kind, out = reply(data)
        self.asked.append(Question(peer, name, kind))
        return out

    def serve_udp(self, sock):
        while True:
            data, peer = sock.recvfrom(4096)
            try:
                sock.sendto(self.answer(data, peer[0]), peer)
            except (IndexError, struct.error, OSError):
                continue

    def serve_tcp(self, sock):
        while True:
            conn, peer = sock.accept()
            threading.Thread(target=self.talk_tcp, args=(conn, peer[0]), daemon=True).start()

    def talk_tcp(self, conn, peer):
        with conn, conn.makefile("rwb") as stream:
            try:
                while size := stream.read(2):
                    out = self.answer(stream.read(struct.unpack("!H", size)[0]), peer)
                    stream.write(struct.pack("!H", len(out)) + out)
                    stream.flush()
            except (IndexError, struct.error, OSError):
                return

    def clear(self):
        self.asked = []

    def peers_asking(self, name):
        return {question.peer for question in self.asked if question.name == name.lower()}

    def asked_by_client(self):
        return [question for question in self.asked if question.peer in (CLIENT4, CLIENT6)]
