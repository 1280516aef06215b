"""Destinations of a knobd that answer when they are told to: knob hold=PATH.

PATH is a unix socket. Whoever connects to it sends commands, a line each, and gets a line
for each: "ok", a number, or "error" with the reason.
    new              a destination that nobody knows yet: its port
    held PORT        as soon as somebody asks for it
    go PORT [HEX]    it takes all who ask for it, from now on, and says HEX first
    refuse PORT      it refuses all who ask for it, from now on
    seen PORT        how many have asked for it
    gone PORT        as soon as nobody is there any more

A SOCKS server holds requests for a port that is known until it is told (Gate). A plain
server does with the kernel what comes next to it (Door): a socket listens with a full
backlog, so that a SYN is dropped and comes again after a second; by then it may have been
told to accept, or does not listen any more. What is dropped is not seen: "held" and "seen"
speak of those who have been let in.
"""
import functools
import itertools
import os
import select
import socket
import struct
import threading
import time

REFUSED = 5
BACKLOG = 256
FIRST_PORT = 20000


def start(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


class Known:
    """Who has come to a port that was given out."""

    def __init__(self):
        self.changed = threading.Condition()
        self.seen = self.inside = 0
        self.early = ""

    def until(self, condition):
        with self.changed:
            self.changed.wait_for(condition)

    def come(self):
        with self.changed:
            self.seen += 1
            self.inside += 1
            self.changed.notify_all()

    def leave(self):
        with self.changed:
            self.inside -= 1
            self.changed.notify_all()


class Gate(Known):
    """A port of the destination: any that has not been given out yet."""

    ports = itertools.count(FIRST_PORT)

    def __init__(self):
        super().__init__()
        self.port = next(self.ports)
        self.code, self.decided = 0, False
        self.waiting, self.bell = os.pipe()

    def decide(self, code, early=""):
        self.code, self.early = code, early
        if not self.decided:
            os.close(self.bell)
        self.decided = True

    def answer(self, sock):
        """Waits until there is an answer: its reply code. None: the client has gone, or
        talks although nobody has answered it."""
        select.select([sock, self.waiting], [], [])
        if select.select([sock], [], [], 0)[0]:
            return None
        return self.code

    # ---- the commands

    def held(self):
        self.until(lambda: self.inside)

    def go(self, early=""):
        self.decide(0, early)

    def refuse(self):
        self.decide(REFUSED)

    def gone(self):
        self.until(lambda: self.seen and not self.inside)


class Door(Known):
    """A port of this machine. serve(sock, early) talks to one who has come."""

    def __init__(self, address, serve):
        super().__init__()
        self.serve = serve
        self.keep_port(address)
        self.sock = socket.create_server((address, self.port), backlog=0)
        self.filler = socket.create_connection((address, self.port))
        while not self.queued():
            time.sleep(0.001)

    def keep_port(self, address):
        """A port that no other door gets once this one does not listen any more: it is
        bound here as well."""
        self.keeper = socket.socket()
        self.keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.keeper.bind((address, 0))
        self.port = self.keeper.getsockname()[1]

    def queued(self):
        """How many are in the backlog: tcpi_unacked of a socket that listens."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return struct.unpack_from("I", info, 24)[0]

    def accept(self):
        own = self.filler.getsockname()
        while True:
            sock, peer = self.sock.accept()
            if peer != own:
                self.come()
                start(self.talk, sock)
            else:
                self.filler.close()

    def talk(self, sock):
        self.serve(sock, self.early)
        self.leave()

    # ---- the commands

    def held(self):
        """Whoever asks is held by a full backlog, there is nothing to wait for."""

    def go(self, early=""):
        self.early = early
        self.sock.listen(BACKLOG)
        start(self.accept)

    def refuse(self):
        self.sock.close()
        self.filler.close()

    def gone(self):
        self.until(lambda: not self.inside)


class Gates:
    """All that were given out, and the socket where they are told."""

    def __init__(self, path, new):
        self.new, self.known = new, {}
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        os.chmod(path, 0o666)
        sock.listen(BACKLOG)
        start(self.accept, sock)

    def accept(self, sock):
        while True:
            start(self.obey, sock.accept()[0])

    def obey(self, sock):
        with sock, sock.makefile("rw", buffering=1) as f:
            try:
                for line in f:
                    print(self.command(*line.split()), file=f)
            except OSError:
                pass  # it does not want to know any more

    def command(self, name, port=0, *arguments):
        if name == "new":
            gate = self.new()
            self.known[gate.port] = gate
            return gate.port
        gate = self.known.get(int(port))
        if not gate or name not in ("held", "go", "refuse", "seen", "gone"):
            return f"error: {name} {port}"
        if name == "seen":
            return gate.seen
        getattr(gate, name)(*arguments)
        return "ok"


def make(knobs, address, serve):
    """The Gates that the knobs ask for, or None."""
    if "hold" not in knobs:
        return None
    new = functools.partial(Door, address, serve) if "plain" in knobs else Gate
    return Gates(knobs["hold"], new)
