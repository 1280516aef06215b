"""Ways around the hooks, what is not let in, and how strict the rules can be."""
from cases_clients import PYTHON, hello
from cases_pools import servers, with_conf
from servers import URLS
from tap import case
from world import CLIENT4, PROXY4, WEB4


def configured(t, *lines, rules=""):
    """Options for microsocks, with these lines in [defaults]."""
    return with_conf(t, "[defaults]\n" + "\n".join(lines) + "\n" +
                     servers(s=URLS["microsocks"]) + rules)


def probe(t, *argv, library=True, **options):
    program = [f"{t.world.build}/tests/probe/ways_around", *argv,
               f"{t.world.build}/tests/probe/libways.so"]
    result = t.run(*program, *(["--proxied"] if library else []), **options)
    t.check(not result.code and not result.out, result.out.strip())


@case("dlsym, RTLD_DEEPBIND, dlmopen, odd sockets, name services: straight")
def ways_straight(t):
    t.permit(lambda packet: True)
    probe(t, WEB4, "7", library=False, via=None)


@case("dlsym, RTLD_DEEPBIND, dlmopen, odd sockets, name services: under socksify")
def ways_under_socksify(t):
    probe(t, t.host("web4"), "7")


LISTEN = """
import errno, socket, sys
def attempt(kind, address, port):
    s = socket.socket(socket.AF_INET, kind)
    try:
        s.bind((address, port))
        if kind == socket.SOCK_STREAM:
            s.listen(1)
        return "yes", s.getsockname()[1]
    except OSError as why:
        return errno.errorcode[why.errno], 0
for address in ("127.0.0.1", sys.argv[1], "0.0.0.0"):
    free = socket.socket()
    free.bind(("", 0))
    port = free.getsockname()[1]
    print(attempt(socket.SOCK_STREAM, address, 0)[0],
          attempt(socket.SOCK_DGRAM, address, port)[0],
          attempt(socket.SOCK_DGRAM, address, 0)[0])
"""
# TCP listens, UDP with a port, UDP without: on the loopback, elsewhere, anywhere
YES, NO, UDP_ONLY = "yes yes yes\n", "EACCES EACCES yes\n", "EACCES EACCES yes\n"


@case("inbound = {}: who may listen", sanitizer=True, each=(
    ("any", YES * 3), ("local", YES + NO * 2), ("none", NO * 3)))
def inbound_listen(t, policy, expected):
    result = t.ok(t.run(PYTHON, "-c", LISTEN, CLIENT4, **configured(t, "inbound = " + policy)))
    t.check(result.out == expected, "not as it should be")


# A listening socket and a caller, both from before: what accept() makes of them
INHERIT = """
import os, socket, sys
s, c = socket.socket(), socket.socket()
s.bind((sys.argv[1], 0))
s.listen(1)
c.connect(s.getsockname())
for fd in (s, c):
    os.set_inheritable(fd.fileno(), True)
os.execv(sys.argv[2], [*sys.argv[2:], str(s.fileno())])
"""
ACCEPT = """
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
try:
    print("accepted from", s.accept()[1][0])
except OSError as why:
    print(type(why).__name__)
"""


@case("inbound = {}: a caller from {} at an inherited socket", each=(
    ("any", CLIENT4, f"accepted from {CLIENT4}"), ("local", CLIENT4, "ConnectionAbortedError"),
    ("local", "127.0.0.1", "accepted from 127.0.0.1"),
    ("none", "127.0.0.1", "ConnectionAbortedError")))
def inbound_accept(t, policy, address, expected):
    conf = configured(t, "inbound = " + policy)["options"]
    result = t.run(PYTHON, "-c", INHERIT, address, t.world.command, *conf, "--", PYTHON, "-c",
                   ACCEPT, via=None)
    t.check(t.ok(result).out == expected + "\n", "not as it should be")


TRY = """
import errno, socket, sys
for word in sys.argv[1:]:
    kind, host, port = word.split("/")
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(5)
    try:
        s.connect((host, int(port)))
        print("connected")
    except OSError as why:
        print(errno.errorcode[why.errno])
"""


@case("strict = yes: the loopback is closed but for what a rule lets through", sanitizer=True)
def strict(t):
    t.permit(lambda packet: packet.dst == "127.0.0.1")
    conf = configured(t, "strict = yes", rules="[rules]\ndirect = 127.0.0.1:7\n")
    result = t.ok(t.run(PYTHON, "-c", TRY, "tcp/127.0.0.1/7", "tcp/127.0.0.1/8", "udp/127.0.0.1/8",
                        f"tcp/{WEB4}/7", **conf))
    t.check(result.out == "ECONNREFUSED\nEACCES\nEACCES\nconnected\n", "not as it should be")
    code = "import socket; socket.socket({}, socket.SOCK_{})"
    for family, kind, error in (("socket.AF_INET", "RAW, 255", "Operation not permitted"),
                                ("40", "STREAM", "Address family not supported")):
        result = t.run(PYTHON, "-c", code.format(family, kind), **conf)
        t.contains(t.ok(result, 1).err, error)


@case("tor = yes: credentials keep programs apart, and onion names are names", sanitizer=True)
def tor(t):
    server = t.knobd("method=2", f"hosts=*:{WEB4}")
    text = "[defaults]\ntor = yes\n" + servers(s=server.url()) + "[rules]\ndirect = *.onion\n"
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad.onion"
    conf = with_conf(t, text)
    result = t.run("curl", "-sS", f"http://{name}/hello", **conf)
    t.ok(result, 7)  # the rule would have it looked up here: blocked instead
    t.check(not t.dns.asked, "somebody has looked it up")
    conf = with_conf(t, text.partition("[rules]")[0])
    t.contains(t.ok(t.run("curl", "-sS", f"http://{name}/hello", **conf)).out, f"hello {name}")
    t.check([e["host"] for e in server.events("request")] == [name], "not asked for by name")
    t.check(server.events("user")[0]["user"].startswith("<torS0X>0"), "no isolation")


@case("udp = direct, and rules for tcp and udp alone", sanitizer=True)
def udp_direct(t):
    t.permit(lambda packet: packet.port == 9)
    rules = f"[rules]\nblock = udp:{PROXY4}\ndirect = udp:9\nblock = tcp:9\n"
    conf = configured(t, rules=rules)
    ways = [f"udp/{WEB4}/9", f"udp/{WEB4}/10", f"udp/{PROXY4}/9", f"tcp/{WEB4}/9", f"tcp/{WEB4}/7"]
    result = t.ok(t.run(PYTHON, "-c", TRY, *ways, **conf))
    t.check(result.out == "connected\nconnected\nEACCES\nEACCES\nconnected\n",
            "not as the rules say")
    result = t.ok(t.run(PYTHON, "-c", TRY, *ways, **configured(t, "udp = direct")))
    t.check(result.out.split()[:3] == ["connected"] * 3, "not all datagrams are direct")
    host = t.host()
    hello(t, host, t.run("curl", "-sS", f"http://{host}/hello", **conf))
