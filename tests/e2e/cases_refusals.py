"""What cannot be reached fails with its own errno; what cannot be carried is refused."""
from cases_clients import PYTHON
from cases_servers import CONNECT
from servers import DENIED_PORT
from tap import case
from targets import CLOSED_PORT
from world import DNS4, NO_ROUTE4, UNREACHABLE4, WEB4, WEB6

REFUSALS = [
    ("microsocks", "a closed port", WEB4, CLOSED_PORT, "ECONNREFUSED"),
    ("microsocks", "a closed port of an IPv6 address", WEB6, CLOSED_PORT, "ECONNREFUSED"),
    ("microsocks", "an unreachable host", UNREACHABLE4, 80, "EHOSTUNREACH"),
    ("microsocks", "an unreachable network", NO_ROUTE4, 80, "ENETUNREACH"),
    ("microsocks", "a name that does not exist", "nobody", 80, "ECONNREFUSED"),
    ("danted", "a closed port", WEB4, CLOSED_PORT, "ECONNREFUSED"),
    ("danted", "an unreachable host", UNREACHABLE4, 80, "EHOSTUNREACH"),
    ("danted", "a name that does not exist", "nobody", 80, "EHOSTUNREACH"),
    ("danted", "a port that its rules deny", WEB4, DENIED_PORT, "EACCES"),
    ("ssh -D", "a closed port", WEB4, CLOSED_PORT, "ECONNREFUSED"),
    ("ssh -D", "a name that does not exist", "nobody", 80, "ECONNREFUSED"),
]


@case("{0}: {1} is {3} for a blocking and a non-blocking socket", each=[
    (server, what, (host, port), name) for server, what, host, port, name in REFUSALS],
    sanitizer=True)
def refused(t, server, what, target, name):
    for flags in ([], ["--nonblocking"]):
        host = t.host("nobody") if target[0] == "nobody" else target[0]
        result = t.run(*CONNECT, *flags, host, str(target[1]), via=server)
        t.check(result.out == f"error {name}\n", f"not {name}")
    t.check(t.proxy_used(), "the server was not asked")


@case("a SOCKS5 server that is spoken to in SOCKS4 is EPROTO, and the log says so",
      sanitizer=True)
def wrong_protocol(t):
    result = t.run(*CONNECT, WEB4, "80", via="socks4://192.0.2.2:1080")
    t.check(result.out == "error EPROTO\n", "not EPROTO")
    t.contains(result.err, "socksify: ")


UDP = """import errno, socket, sys
family, host, port, way = sys.argv[1:]
sock = socket.socket(getattr(socket, family), socket.SOCK_DGRAM)
try:
    if way == "connect":
        sock.connect((host, int(port)))
        sock.send(b"x")
    elif way == "sendmsg":
        sock.sendmsg([b"x"], [], 0, (host, int(port)))
    else:
        sock.sendto(b"x", (host, int(port)))
    print("sent")
except OSError as e:
    print("error", errno.errorcode.get(e.errno, e))"""


@case("a datagram by {} to {} is refused with ENETUNREACH", sanitizer=True,
      each=[(way, host) for way in ("sendto", "sendmsg", "connect") for host in (WEB4, WEB6)])
def udp_address(t, way, host):
    family = "AF_INET6" if ":" in host else "AF_INET"
    result = t.run(PYTHON, "-c", UDP, family, host, "9", way)
    t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")


@case("a datagram to a name is refused with ENETUNREACH, and nobody looks it up",
      sanitizer=True)
def udp_name(t):
    result = t.run(PYTHON, "-c", UDP, "AF_INET", t.host(), "9", "sendto")
    t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")
    t.check(not t.dns.asked, "somebody has looked it up")


@case("a question sent to the DNS server by the program itself does not get there",
      sanitizer=True)
def own_resolver(t):
    t.run(PYTHON, "-c", UDP, "AF_INET", DNS4, "53", "sendto")
    t.check(not t.dns.asked, "the DNS server was asked")


@case("a raw socket sends nothing past the server", sanitizer=True)
def raw_socket(t):
    code = f"""import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(
    b"\\x08\\0\\xf7\\xff\\0\\0\\0\\0", ("{WEB4}", 0))"""
    result = t.run(PYTHON, "-c", code)
    t.check(result.code != 0, "it was sent")
    t.contains(result.err, "socksify: ")


@case("TCP Fast Open data goes through the server or not at all", sanitizer=True)
def fast_open(t):
    code = f"""import socket
sock = socket.socket()
sock.sendto(b"hello\\n", socket.MSG_FASTOPEN, ("{WEB4}", 7))
print(sock.recv(100))"""
    result = t.run(PYTHON, "-c", code)
    t.check(result.code != 0 or result.out == "b'hello\\n'\n", "neither refused nor carried")
