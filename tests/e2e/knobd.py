#!/usr/bin/env python3
"""A SOCKS and HTTP CONNECT server that does, on demand, what real ones will not do.

It writes "PORT\n" to the ready fd (stdout) when it listens; SIGTERM ends it. With
--listen unix:PATH it listens on a unix socket, and PORT is 0.
The log has one JSON object per line; "conn" numbers the connections from 1:
  accept    peer
  message   point; segments: each recv() that brought a part of it, as hex
            (what a recv() brings beyond it opens the next message's list)
  user      user, password (SOCKS4: the USERID; HTTP: Basic)
  request   version (4, 5, "http"), command, atyp, host, port
  relay     address, port: an association's, for datagrams
  datagram  what came there: peer, and as far as it is good atyp, host, port, size
  answer    point, hex
  after     hex of what came where nothing more was expected
  end       why: "eof" (the client closed), "closed", "reset", "refused",
            "echoed", "relayed", "protocol: ...", or an errno name

Points of the dialogue: accept, greeting, auth, request, reply (SOCKS4, HTTP: no
greeting, no auth). "At" a point is after its message has been read and before
it is answered; at reply is after the reply has been sent.

Knobs, all of which combine (those with POINT, hosts and interim may be repeated):
  version=4|4a|5|http   speak this one only; default: all
  method=N            choose this method, offered or not (2 leads to auth)
  user=U password=P   the credentials that are right; default: any
  reject_auth[=N]     status N (1) for all credentials
  auth_version=N      first byte of the answer to the credentials (1)
  rep=N               reply code, refusing (SOCKS4: CD, 91 to 93)
  bnd=KIND            ipv4, ipv6, domain, atyp0 or zero (default)
  reply_short=N       only N bytes of the reply, then EOF
  reply_stall=N       only N bytes of the reply, then wait for the client to go
  dribble=MS          one byte of every answer each MS milliseconds
  split[=N]           every answer in segments of N bytes (1), without delay
  early=HEX           application bytes glued to the reply, in one segment
  glue=MS             wait for the destination's first bytes, glue them likewise
  silent_at=POINT     say nothing more, and wait for the client to go
  close_at=POINT, rst_at=POINT   close, close with a reset
  delay_at=POINT:MS   wait before the answer
  status=N            HTTP: the status of the answer, refusing if it is no 2xx
  http=VERSION        HTTP: the version of the answer (1.1)
  interim=N           HTTP: a head with this status before the answer
  fields=N            HTTP: about N bytes of header fields in the answer
  garbage             answer with HTTP to whatever comes, and close
  wrong_version[=POINT]   version byte 6 in the answer at POINT (default: all)
  strict_recv         take one recv() for one message, as naive servers do: an
                      incomplete one is refused, a surplus is dropped
  max_conns=N         no longer listen after N connections
  connect=0           reach no destination, echo instead; default 1: relay
  hosts=NAME:ADDR     where NAME is (* for any); else the system's resolver
  echo_dest           after the reply, one line "HOST PORT" of the request
  plain               no SOCKS: be a destination that does at once what follows
                      a reply (early, echo_dest with its own address, echo)
  udp                 carry datagrams too (UDP ASSOCIATE): see relays.py for what the
                      knobs udp_... change; with plain: echo them, on the same port
  hold=PATH           destinations that answer when told so: see gates.py
"""
import argparse
import base64
import contextlib
import errno
import functools
import ipaddress
import json
import os
import selectors
import socket
import struct
import threading
import time

import gates
import relays

POINTS = ("accept", "greeting", "auth", "request", "reply")
REPEATED = ("silent_at", "close_at", "rst_at", "delay_at", "hosts", "interim", "udp_junk")
NO_POINT = ("hosts", "interim", "udp_junk")
UNIX = "unix:"
SINGLE = """version method user password reject_auth auth_version rep bnd
    reply_short reply_stall dribble split early glue garbage wrong_version
    strict_recv max_conns connect echo_dest plain udp status http fields hold
    udp_bnd udp_source udp_end""".split()
ATYPS = {1: "ipv4", 3: "name", 4: "ipv6"}
CAUSES = {errno.ENETUNREACH: 3, errno.EHOSTUNREACH: 4,
          errno.ECONNREFUSED: 5, errno.ETIMEDOUT: 6}
BND = {"zero": b"\1" + bytes(6), "atyp0": bytes(7),
       "ipv4": b"\1\xc0\0\2\x4d\x12\x34",
       "ipv6": b"\4\x20\1\x0d\xb8" + bytes(11) + b"\x4d\x12\x34",
       "domain": b"\3\x0dbound.example\x12\x34"}
GATEWAY_TIMEOUT, BAD_GATEWAY = 504, 502
FIELD = "X-Filler: " + "x" * 52 + "\r\n"


class Done(Exception):
    """The connection is over; the text says why."""


class Incomplete(Exception):
    """More bytes are needed."""


def take(data, n):
    if len(data) < n:
        raise Incomplete
    return data[:n], data[n:]


def take_string(data):
    text, rest = take(data, data.find(b"\0") % 2**32)
    return text.decode("latin-1"), rest[1:]


def parse_greeting(data):
    head, rest = take(data, 2)
    return take(rest, head[1])


def parse_auth(data):
    head, rest = take(data, 2)
    user, rest = take(rest, head[1])
    size, rest = take(rest, 1)
    password, rest = take(rest, size[0])
    return (user.decode("latin-1"), password.decode("latin-1")), rest


def parse_request5(data):
    (_, command, _, atyp), rest = take(data, 4)
    if atyp not in ATYPS:
        raise Done(f"protocol: address type {atyp}")
    if atyp == 3:
        size, rest = take(rest, 1)
        raw, rest = take(rest, size[0])
        host = raw.decode("latin-1")
    else:
        raw, rest = take(rest, 4 if atyp == 1 else 16)
        host = str(ipaddress.ip_address(raw))
    raw, rest = take(rest, 2)
    return (command, ATYPS[atyp], host, int.from_bytes(raw, "big"), ""), rest


def parse_request4(data):
    (_, command, *raw), rest = take(data, 8)
    user, rest = take_string(rest)
    atyp, host = "ipv4", str(ipaddress.ip_address(bytes(raw[2:])))
    if host.startswith("0.0.0.") and host != "0.0.0.0":
        atyp = "name"
        host, rest = take_string(rest)
    return (command, atyp, host, int.from_bytes(raw[:2], "big"), user), rest


def parse_head(data):
    """The lines of an HTTP request."""
    head, rest = take(data, data.find(b"\r\n\r\n") % 2**32)
    return head.decode("latin-1").split("\r\n"), rest[4:]


def parse_authority(text):
    """(atyp, host, port) of HOST:PORT"""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        return f"ipv{address.version}", str(address), int(port)
    except ValueError:
        return "name", host, int(port)


def basic_pair(lines):
    """(user, password) of a request with Basic credentials, else None."""
    for line in lines:
        name, _, value = line.partition(": ")
        if name.lower() == "proxy-authorization" and value.startswith("Basic "):
            user, _, password = base64.b64decode(value[6:]).decode("latin-1").partition(":")
            return user, password
    return None


class Connection:
    def __init__(self, knobs, sock, log, held=None):
        self.knobs, self.sock, self.log, self.held = knobs, sock, log, held
        self.buffer, self.gate = b"", None
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def number(self, name, default=0):
        return int(self.knobs.get(name, default))

    def message(self, point, parse):
        """The next message, or None where strict_recv finds it cut."""
        segments = [self.buffer] if self.buffer else []
        strict = "strict_recv" in self.knobs
        try:
            while True:
                with contextlib.suppress(Incomplete):
                    value, self.buffer = parse(self.buffer)
                    break
                if strict and segments:
                    return None
                got = self.sock.recv(65536)
                if not got:
                    raise Done("eof")
                segments.append(got)
                self.buffer += got
        finally:
            if segments:
                self.log("message", point=point,
                         segments=[s.hex() for s in segments])
        if strict:
            self.buffer = b""
        return value

    def at(self, point):
        """What the knobs have for this point of the dialogue."""
        for entry in self.knobs.get("delay_at", []):
            where, ms = entry.split(":")
            if where == point:
                time.sleep(int(ms) / 1000)
        if point in self.knobs.get("silent_at", []):
            self.drain()
        if point in self.knobs.get("close_at", []):
            raise Done("closed")
        if point in self.knobs.get("rst_at", []):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
            raise Done("reset")

    def drain(self, why="eof"):
        """Waits for the client to go; its bytes are of no use any more."""
        got = self.buffer
        while got := got or self.sock.recv(65536):
            self.log("after", hex=got.hex())
            got = b""
        raise Done(why)

    def answer(self, point, data):
        if self.knobs.get("wrong_version") in ("1", point):
            data = b"\6" + data[1:]
        self.log("answer", point=point, hex=data.hex())
        step = self.number("split", 1 if "dribble" in self.knobs else 1 << 20)
        for i in range(0, len(data), step):
            time.sleep(self.number("dribble") / 1000)
            self.sock.sendall(data[i:i + step])

    def refuse(self, point, data, why="refused"):
        """An answer that ends the dialogue; the client is to read it whole."""
        self.answer(point, data)
        self.sock.shutdown(socket.SHUT_WR)
        self.drain(why)

    def run(self):
        if "plain" in self.knobs:
            self.established(b"", *self.sock.getsockname()[:2], None)
        self.at("accept")
        first = self.sock.recv(1, socket.MSG_PEEK)
        allowed = self.knobs.get("version", "any")
        if first and "garbage" in self.knobs:
            self.refuse("accept", b"HTTP/1.1 400 Bad Request\r\n\r\n")
        if first == b"\5" and allowed in ("any", "5"):
            self.greeting()
            self.request(5)
        if first == b"\4":
            if allowed in ("5", "http"):
                self.refuse("request", b"\5\xff", "protocol: SOCKS4")
            self.request(4)
        if first.isalpha() and allowed in ("any", "http"):
            self.request_http()
        raise Done(f"protocol: first byte {first.hex()}" if first else "eof")

    def greeting(self):
        methods = self.message("greeting", parse_greeting)
        self.at("greeting")
        wanted = (2,) if "user" in self.knobs else (0, 2)
        chosen = next((m for m in wanted if m in (methods or ())), 255)
        if methods is not None:
            chosen = self.number("method", chosen)
        if chosen not in (0, 2):
            self.refuse("greeting", bytes((5, chosen)))
        self.answer("greeting", bytes((5, chosen)))
        if chosen == 2:
            self.auth()

    def auth(self):
        pair = self.message("auth", parse_auth)
        self.at("auth")
        if pair:
            self.log("user", user=pair[0], password=pair[1])
        right = (self.knobs.get("user"), self.knobs.get("password", ""))
        version = self.number("auth_version", 1)
        if "user" not in self.knobs:
            right = pair
        if not pair or pair != right or "reject_auth" in self.knobs:
            status = self.number("reject_auth", 1)
            self.refuse("auth", bytes((version, status)))
        self.answer("auth", bytes((version, 0)))

    def request(self, version):
        value = self.message(
            "request", parse_request5 if version == 5 else parse_request4)
        if value is None:
            self.refuse("request", self.reply(version, 1))
        command, atyp, host, port, user = value
        if version == 4:
            self.log("user", user=user, password="")
        self.log("request", version=version, command=command, atyp=atyp,
                 host=host, port=port)
        self.at("request")
        if (version, command) == (5, relays.ASSOCIATE) and "udp" in self.knobs:
            self.associate()
        code, peer = self.hold(port) or self.number("rep"), None
        if command != 1 or (atyp, self.knobs.get("version")) == ("name", "4"):
            code = code or 7
        if not code and self.number("connect", 1):
            code, peer = self.reach(host, port)
        self.conclude(self.reply(version, code), code, host, port, peer)

    def associate(self):
        code = self.number("rep")
        if code:
            self.refuse("request", self.reply(5, code))
        with relays.Relay(self.knobs, self.sock, self.log) as relay:
            self.answer("request", b"\5\0\0" + relay.bound())
            raise Done(relay.serve())

    def hold(self, port):
        """The reply code of a destination that answers when told so; else 0."""
        gate = self.held and self.held.known.get(port)
        if not gate:
            return 0
        self.gate = gate
        gate.come()
        code = gate.answer(self.sock)
        if code is None:
            self.drain()
        self.knobs = {**self.knobs, "early": gate.early}
        return code

    def request_http(self):
        lines = self.message("request", parse_head)
        if lines is None:
            self.refuse("request", self.heads(400))
        method, authority, _ = lines[0].split(" ", 2)
        pair = basic_pair(lines)
        if pair:
            self.log("user", user=pair[0], password=pair[1])
        atyp, host, port = parse_authority(authority)
        self.log("request", version="http", command=method, atyp=atyp, host=host, port=port)
        self.at("request")
        status, peer = self.number("status", 200), None
        if "user" in self.knobs and pair != (
                self.knobs["user"], self.knobs.get("password", "")):
            status = 407
        if status // 100 == 2 and self.number("connect", 1):
            code, peer = self.reach(host, port)
            if code:
                status = GATEWAY_TIMEOUT if code == 6 else BAD_GATEWAY
        self.conclude(self.heads(status), status // 100 != 2, host, port, peer)

    def heads(self, status):
        """HTTP's answer with what comes before it. The length that it gives has no
        meaning in a 2xx (RFC 9110 section 9.3.6)."""
        version = "HTTP/" + self.knobs.get("http", "1.1")
        text = "".join(f"{version} {n} Wait\r\nX-Interim: yes\r\n\r\n"
                       for n in self.knobs.get("interim", []))
        text += f"{version} {status} As Told\r\nContent-Length: 7\r\n"
        text += FIELD * (self.number("fields") // len(FIELD)) + "\r\n"
        return (text + ("" if status // 100 == 2 else "refused")).encode("latin-1")

    def conclude(self, reply, refused, host, port, peer):
        """The reply, as far as the knobs let it go, and what follows it."""
        if "reply_stall" in self.knobs:
            self.answer("request", reply[:self.number("reply_stall")])
            self.drain()
        if refused or "reply_short" in self.knobs:
            self.refuse("request", reply[:self.number("reply_short", len(reply))])
        self.established(reply, host, port, peer)

    def reach(self, host, port):
        for entry in self.knobs.get("hosts", []):
            name, address = entry.split(":", 1)
            if name in ("*", host):
                host = address
        try:
            return 0, socket.create_connection((host, port))
        except (socket.gaierror, UnicodeError):
            return 4, None
        except OSError as e:
            return CAUSES.get(e.errno, 1), None

    def reply(self, version, code):
        bnd = BND[self.knobs.get("bnd", "zero")]
        if version == 4:
            code = max(code, 91) if code else 90
            return bytes((0, code)) + bnd[5:7] + bnd[1:5]
        return bytes((5, code, 0)) + bnd

    def established(self, reply, host, port, peer):
        """The dialogue has succeeded: the rest is the application's."""
        if "echo_dest" in self.knobs:
            reply += f"{host} {port}\n".encode("latin-1")
        reply += bytes.fromhex(self.knobs.get("early", ""))
        if peer and "glue" in self.knobs:
            peer.settimeout(self.number("glue") / 1000)
            with contextlib.suppress(TimeoutError):
                reply += peer.recv(65536)
            peer.settimeout(None)
        self.answer("request", reply)
        self.at("reply")
        self.relay(peer or self.sock)
        raise Done("relayed" if peer else "echoed")

    def relay(self, peer):
        ends = {self.sock: peer, peer: self.sock}
        peer.sendall(self.buffer)
        with selectors.DefaultSelector() as reading:
            for end in ends:
                reading.register(end, selectors.EVENT_READ)
            while reading.get_map():
                for end in [key.fileobj for key, _ in reading.select()]:
                    if got := end.recv(65536):
                        ends[end].sendall(got)
                    else:
                        ends[end].shutdown(socket.SHUT_WR)
                        reading.unregister(end)

    def serve(self):
        try:
            self.run()
        except Done as done:
            why = str(done)
        except OSError as e:
            why = errno.errorcode.get(e.errno, str(e))
        self.sock.close()
        self.log("end", why=why)
        if self.gate:
            self.gate.leave()


def start(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


class Server:
    def __init__(self, options):
        self.knobs = options.knobs
        self.file = open(options.log or os.devnull, "ab", buffering=0)
        self.start = time.monotonic()
        self.port = 0
        self.held = gates.make(options.knobs, options.listen, self.serve_held)
        if options.listen.startswith(UNIX):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(options.listen.removeprefix(UNIX))
            self.sock.listen(1024)
            return
        family = socket.AF_INET6 if ":" in options.listen else socket.AF_INET
        self.sock = socket.create_server(
            (options.listen, options.port), family=family, backlog=1024)
        self.port = self.sock.getsockname()[1]
        if self.knobs.keys() >= {"plain", "udp"}:
            udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.bind((options.listen, self.port))
            start(self.echo_datagrams, udp)

    def log(self, conn, event, **fields):
        ms = round((time.monotonic() - self.start) * 1000, 1)
        line = json.dumps({"ms": ms, "conn": conn, "event": event, **fields})
        self.file.write(line.encode() + b"\n")

    def echo_datagrams(self, sock):
        while True:
            data, peer = sock.recvfrom(65536)
            self.log(0, "datagram", peer=peer[0], hex=data.hex())
            sock.sendto(data, peer)

    def serve_held(self, sock, early):
        log = functools.partial(self.log, 0)
        Connection({**self.knobs, "early": early}, sock, log).serve()

    def run(self):
        limit = int(self.knobs.get("max_conns", 1 << 60))
        for number in range(1, limit + 1):
            sock, peer = self.sock.accept()
            log = functools.partial(self.log, number)
            log("accept", peer=f"{peer[0]} {peer[1]}" if peer else "")
            start(Connection(self.knobs, sock, log, self.held).serve)
        self.sock.close()
        threading.Event().wait()


def parse_knobs(entries, error):
    knobs = {}
    for key, _, value in (entry.partition("=") for entry in entries):
        if key in REPEATED:
            if key not in NO_POINT and value.partition(":")[0] not in POINTS:
                error(f"{key}: no such point: {value}")
            knobs.setdefault(key, []).append(value)
        elif key == "bnd" and value not in BND:
            error(f"no such kind of address: {value}")
        elif key in SINGLE:
            knobs[key] = value or "1"
        else:
            error(f"no such knob: {key}")
    return knobs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log")
    parser.add_argument("--ready-fd", type=int, default=1)
    parser.add_argument("--knob", nargs="+", action="extend", default=[])
    options = parser.parse_args()
    options.knobs = parse_knobs(options.knob, parser.error)
    server = Server(options)
    os.write(options.ready_fd, b"%d\n" % server.port)
    os.close(options.ready_fd)
    server.run()


if __name__ == "__main__":
    main()
