"""The leak detector: what cli puts on the wire.

A packet socket on srv's end of the cable notes every packet from cli, but for those
that continue a TCP connection to the SOCKS servers' addresses (a filter in the
kernel leaves them out, so bulk data cannot overflow it). What is neither TCP to a
SOCKS server's port nor UDP to its relay is a leak: other UDP, ICMP, TCP to anybody
else, with or without SYN. The kernel's word to a server that nobody takes its datagram
(any more) is none. Of a fragmented datagram the first part tells all.
Neighbour discovery, router solicitation and multicast reports are the kernel's own
and are ignored.

Nothing has to be waited for: collect() sends a marker from cli on every CPU, and
what a finished program has sent was queued before the markers.
"""
import collections
import ctypes
import os
import select
import socket
import struct
import threading
import time

from world import PROXY4, PROXY6, WEB4, WorldError

Packet = collections.namedtuple("Packet", "proto src dst port question")

ETH_IP, ETH_IPV6, ETH_ALL = 0x0800, 0x86DD, 3
TCP, UDP, ICMP, ICMPV6, HOP_OPTIONS, FRAGMENT = 6, 17, 1, 58, 0, 44
LATER_PART = -1  # a protocol number of our own: not the first fragment
NAMES = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmp6"}
UNREACHABLE = {(ICMP, 3), (ICMPV6, 1)}
KERNEL_ICMPV6 = {130, 131, 132, 133, 134, 135, 136, 137, 143}
MARK = b"e2e marker "
SOL_PACKET, PACKET_STATISTICS, SO_ATTACH_FILTER, SO_RCVBUFFORCE = 263, 6, 26, 33
CLONE_NEWNET = 0x40000000


def program():
    """The kernel filter, in classic BPF: (operation, then, else, operand), where
    then and else are labels or None for the next instruction."""
    ld, ldb, ldb_x, ldx_len = 0x20, 0x30, 0x50, 0xB1
    jeq, jset, ret = 0x15, 0x45, 0x06
    protocol, packet_type, outgoing, syn = 0xFFFFF000, 0xFFFFF004, 4, 2
    server4 = struct.unpack("!I", socket.inet_aton(PROXY4))[0]
    server6 = struct.unpack("!4I", socket.inet_pton(socket.AF_INET6, PROXY6))
    code = [
        (ld, None, None, packet_type), (jeq, "drop", None, outgoing),
        (ld, None, None, protocol), (jeq, "v4", None, ETH_IP), (jeq, "v6", "drop", ETH_IPV6),
        "v4", (ldb, None, None, 9), (jeq, None, "keep", TCP),
        (ld, None, None, 16), (jeq, None, "keep", server4),
        (ldx_len, None, None, 0), (ldb_x, None, None, 13), (jset, "keep", "drop", syn),
        "v6", (ldb, None, None, 6), (jeq, None, "keep", TCP)]
    for i, word in enumerate(server6):
        code += [(ld, None, None, 24 + 4 * i), (jeq, None, "keep", word)]
    return code + [(ldb, None, None, 40 + 13), (jset, "keep", "drop", syn),
                   "keep", (ret, None, None, 512), "drop", (ret, None, None, 0)]


def assemble(code):
    labels, lines = {}, []
    for item in code:
        if isinstance(item, str):
            labels[item] = len(lines)
        else:
            lines.append(item)
    out = b""
    for at, (op, then, other, k) in enumerate(lines):
        jumps = [0 if label is None else labels[label] - at - 1 for label in (then, other)]
        out += struct.pack("HBBI", op, *jumps, k)
    return len(lines), out


def attach(sock):
    count, code = assemble(program())
    buffer = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("HL", count, ctypes.addressof(buffer)))


def in_namespace(fd, make):
    """What make() returns when a thread calls it in the namespace of fd."""
    libc = ctypes.CDLL(None, use_errno=True)
    made = []

    def enter():
        if libc.setns(fd, CLONE_NEWNET) == 0:
            made.append(make())
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if not made:
        raise WorldError("setns: " + os.strerror(ctypes.get_errno()))
    return made[0]


def question(payload):
    """The name in a DNS question, or what can be read of it."""
    labels, at = [], 12
    while at < len(payload) and payload[at]:
        labels.append(payload[at + 1:at + 1 + payload[at]].decode("ascii", "replace"))
        at += 1 + payload[at]
    return ".".join(labels).lower()


def split_ip(data):
    """(protocol number, source, destination, what follows the IP header)"""
    if data[0] >> 4 == 4:
        src, dst = (socket.inet_ntoa(data[i:i + 4]) for i in (12, 16))
        part = struct.unpack("!H", data[6:8])[0] & 0x1FFF
        return LATER_PART if part else data[9], src, dst, data[(data[0] & 15) * 4:]
    src, dst = (socket.inet_ntop(socket.AF_INET6, data[i:i + 16]) for i in (8, 24))
    number, rest = data[6], data[40:]
    if number == HOP_OPTIONS:
        number, rest = rest[0], rest[8 + 8 * rest[1]:]
    if number == FRAGMENT:
        part = struct.unpack("!H", rest[2:4])[0] >> 3
        number, rest = LATER_PART if part else rest[0], rest[8:]
    return number, src, dst, rest


class Sniffer:
    def __init__(self, world):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_ALL))
        attach(self.sock)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.sock.bind(("srv0", ETH_ALL))
        self.sock.setblocking(False)
        self.marker = in_namespace(
            world.net, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.serial = 0
        self.packets = []

    def parse(self, data):
        """A Packet; None for the kernel's own and later fragments; a marker as bytes."""
        number, src, dst, rest = split_ip(data)
        if number == LATER_PART or number == ICMPV6 and rest[0] in KERNEL_ICMPV6:
            return None
        if (number, rest[0]) in UNREACHABLE:
            return Packet("unreachable", src, dst, 0, "")
        if number not in (TCP, UDP) or len(rest) < 8:
            return Packet(NAMES.get(number, f"ip-{number}"), src, dst, 0, "")
        port = struct.unpack("!H", rest[2:4])[0]
        if number == UDP and rest[8:].startswith(MARK):
            return rest[8:]
        asked = question(rest[8:]) if number == UDP and port == 53 else ""
        return Packet(NAMES[number], src, dst, port, asked)

    def send_markers(self):
        """One marker from each CPU; the set of what was sent."""
        sent, cpus = set(), os.sched_getaffinity(0)
        self.serial += 1
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            mark = MARK + b"%d/%d" % (self.serial, cpu)
            self.marker.sendto(mark, (WEB4, 9))
            sent.add(mark)
        os.sched_setaffinity(0, cpus)
        return sent

    def read(self):
        """Everything queued now: adds to packets, returns the markers."""
        marks = set()
        while True:
            try:
                found = self.parse(self.sock.recv(2048))
            except BlockingIOError:
                return marks
            if isinstance(found, bytes):
                marks.add(found)
            elif found:
                self.packets.append(found)

    def collect(self):
        """All packets since clear()."""
        missing = self.send_markers()
        end = time.monotonic() + 20
        while True:
            missing -= self.read()
            if not missing:
                break
            if time.monotonic() > end:
                raise WorldError("the leak detector does not see its own markers")
            select.select([self.sock], [], [], 1)
        if struct.unpack("II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]:
            raise WorldError("the leak detector lost packets")
        return self.packets

    def clear(self):
        self.collect()
        self.packets = []


def is_leak(packet, endpoints, relays):
    """endpoints: the (address, port) pairs of all SOCKS servers; relays(address, port):
    does one of them take datagrams there?"""
    if packet.proto == "unreachable":
        return packet.dst not in (PROXY4, PROXY6)
    if packet.proto == "udp":
        return not relays(packet.dst, packet.port)
    return packet.proto != "tcp" or (packet.dst, packet.port) not in endpoints


def describe(packet):
    where = f"[{packet.dst}]" if ":" in packet.dst else packet.dst
    port = f":{packet.port}" if packet.port else ""
    asked = f" (asks for {packet.question})" if packet.question else ""
    return f"{packet.proto} {packet.src} -> {where}{port}{asked}"
