"""What relays do and say, by knobd.py: relays.py. The numbers are those of requirements: V-17 to
V-20 and A5 say what another client of SOCKS5 does with datagrams, and where it fails."""
import subprocess
import time

from cases_clients import CLIENTS, PYTHON
from cases_udp import DESTINATIONS, carried, probe
from servers import Knobd
from tap import case
from world import HOME, PATH, PROXY4, WEB4


def knobd_client(t, *texts, way="unconnected", host=WEB4, knobs=(), server=None, **how):
    """(the server, what datagram.py says when it talks by it)"""
    server = server or t.knobd("udp", *knobs)
    return server, t.run(PYTHON, CLIENTS + "/datagram.py", way, host, "7", *texts,
                         via=server.url(), **how)


@case("an answer from another port than was asked comes from that port", sanitizer=True)
def elsewhere(t):
    _, result = knobd_client(t, "elsewhere:")
    t.check(t.ok(result).out == f"elsewhere: from ('{WEB4}', 8)\n", "not from there")


AGAIN = """
import socket, subprocess, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[2] == "connected":
    sock.connect((sys.argv[1], 7))
sock.settimeout(0.2)
def ask(text):
    for turn in range(100):
        try:
            if sys.argv[2] == "connected":
                sock.send(text)
            else:
                sock.sendto(text, (sys.argv[1], 7))
            while True:
                if sock.recv(100) == text:
                    return turn
        except OSError:
            pass
    return "never"
for i in range(3):
    print(ask(b"%d" % i), flush=True)
    sys.stdin.readline()
"""


class Talk:
    """A program of cli's that is spoken to line by line."""

    def __init__(self, t, server, *argv):
        command, extra = t.wrapped([PYTHON, "-c", *argv], [server], (), "command", False, True)
        env = {"PATH": PATH, "HOME": HOME, "XDG_RUNTIME_DIR": t.runtime(),
               "SOCKSIFY_PIPELINE": "off", **extra}
        self.process = subprocess.Popen(t.world.in_cli(command, env, t.folder), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def line(self):
        return self.process.stdout.readline().strip()

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(20)


@case("V-20: a server ends and comes again: the datagrams of a {} socket flow again",
      sanitizer=True, each=("connected", "unconnected"))
def server_again(t, way):
    first = t.knobd("udp")
    talk = Talk(t, first.url(), AGAIN, WEB4, way)
    t.check(talk.line() == "0", "the first answer did not come at once")
    first.stop()
    again = Knobd(t.folder, PROXY4, "udp", port=first.port)
    t.own.append(again)
    talk.go_on()
    t.check(talk.line() != "never", "no answer by the server that came again")
    talk.go_on()
    t.check(talk.line() == "0", "the last answer did not come at once")
    t.check(talk.end() == 0, "it has failed")
    t.check(len(again.events("relay")) == 1, "not one association")
    carried(t)


@case("V-20: the server ends the association after {} answers: another is made",
      sanitizer=True, each=(1, 3))
def association_ends(t, n):
    server = t.knobd("udp", f"udp_end={n}")
    talk = Talk(t, server.url(), AGAIN, WEB4, "connected")
    for _ in range(3):
        t.check(talk.line() != "never", "no answer")
        talk.go_on()
    t.check(talk.end() == 0, "it has failed")
    t.check(len(server.events("relay")) >= 3 // n, "no other association")
    carried(t)


@case("the association ends with the last copy of the socket's number", sanitizer=True)
def association_closed(t):
    server = t.knobd("udp")
    code = """
import os, socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.sendto(b"x", (sys.argv[1], 7))
sock.recv(100)
copy = os.dup(sock.fileno())
for close in (sock.close, lambda: os.close(copy)):
    print("open", flush=True)
    sys.stdin.readline()
    close()
print("closed", flush=True)
sys.stdin.readline()
"""
    talk = Talk(t, server.url(), code, WEB4)
    for _ in range(2):
        t.check(talk.line() == "open", "it has failed")
        t.check(not server.events("end"), "it has ended too early")
        talk.go_on()
    t.check(talk.line() == "closed", "it has failed")
    end = time.monotonic() + 20
    while not server.events("end") and time.monotonic() < end:
        time.sleep(0.01)
    t.check([event["why"] for event in server.events("end")] == ["eof"], "not ended")
    t.check(talk.end() == 0, "it has failed")


@case("A5-2, V-17: the server is not told the destination, and one socket has one association",
      sanitizer=True)
def request(t):
    server, result = knobd_client(t, "one", "two", host=t.host("web4"))
    t.check(t.ok(result).out == "one from 7\ntwo from 7\n", "not what was said")
    t.check([(e["command"], e["host"], e["port"]) for e in server.events("request")] ==
            [(3, "0.0.0.0", 0)], "not 0.0.0.0:0, once")
    t.check({(e["atyp"], e["fragment"]) for e in server.events("datagram")} == {("name", 0)},
            "not with the name, unfragmented")


@case("A5-3, V-18: the server calls its relay {}", sanitizer=True,
      each=("real", "zero", "zero6", "loopback", "name"))
def bound(t, kind):
    for way in ("connected", "unconnected"):
        server, result = knobd_client(t, "one", "two", way=way, knobs=["udp_bnd=" + kind])
        t.check(t.ok(result).out == "one from 7\ntwo from 7\n", "not what was said")
        t.check(len(server.events("relay")) == 1, "not one association")
    carried(t)


@case("A5-5, V-19: what is no answer is dropped, and harms nothing: {}", sanitizer=True,
      each=("fragment", "short", "empty", "type", "cut", "foreign", "all"))
def junk(t, kind):
    server = t.knobd("udp", "udp_junk=" + kind)
    for host in (WEB4, t.host("web4")):
        probe(t, "udp_echo", host, "7", via=server.url())
    t.check(len(server.events("relay")) == 4, "not one association for each socket")
    carried(t)


@case("A5-6: the sender that the server tells is {}: of {}", sanitizer=True,
      each=[(kind, what) for kind in ("real", "said") for what in DESTINATIONS])
def source(t, kind, what):
    host = DESTINATIONS[what]
    server = t.knobd("udp", "udp_source=" + kind)
    probe(t, "udp_echo", t.host(host) if "name" in what else host, "7",
          *(["--v6"] if "6" in what else []), via=server.url())
    carried(t)


@case("A5-6: a connected socket does not hear of a sender that is {}", sanitizer=True,
      each=("zero", "other"))
def wrong_source(t, kind):
    server = t.knobd("udp", "udp_source=" + kind)
    talk = Talk(t, server.url(), """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((sys.argv[1], 7))
sock.settimeout(0.5)
sock.send(b"x")
try:
    print(sock.recv(100))
except TimeoutError:
    print("nothing")
""", WEB4)
    t.check(talk.line() == "nothing", "it was heard")
    t.check(talk.end() == 0, "it has failed")
    carried(t)
