"""Pools, chains, and what one process learns for the next."""
import json

from cases_clients import PYTHON, hello
from cases_servers import CONNECT, fetch
from servers import DEAD, URLS
from tap import case
from world import PROXY4

# Takes one connection on a unix socket and hands everything on to microsocks.
BRIDGE = """
import os, socket, sys, threading
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(5)
if os.fork():
    os._exit(0)
nothing = os.open(os.devnull, os.O_RDWR)
for fd in range(3):
    os.dup2(nothing, fd)
a = s.accept()[0]
b = socket.create_connection((sys.argv[2], 1080))
back = threading.Thread(target=pump, args=(b, a))
back.start()
pump(a, b)
back.join()
"""


def servers(**urls):
    """[server NAME] for each; what stands behind a newline in a URL are more keys."""
    return "".join(f"[server {name}]\nurl = {url}\n" for name, url in urls.items())


def with_conf(t, text):
    """The options for this file."""
    return {"via": (), "options": ["-v", "-f", t.file("socksify.conf", text, 0o600)]}


@case("a chain through {} passes every hop", sanitizer=True, each=(
    ("two", 2), ("three", 3)))
def chain(t, _, n):
    host = t.host()
    names = ["microsocks", "microsocks-auth", "danted"][:n]
    text = servers(a=URLS[names[0]]) + "[pool p]\nservers = " + "abc"[n - 1] + "\n"
    for here, before, name in zip("bc", "ab", names[1:]):
        text += f"[server {here}]\nurl = {URLS[name]}\nvia = {before}\n"
    hello(t, host, fetch(t, host, **with_conf(t, text)))
    t.check({p.port for p in t.packets()} == {1080}, "not only the first hop was connected to")


@case("a chain whose second hop is dead is a failure of the server", sanitizer=True)
def broken_chain(t):
    text = servers(a=URLS["microsocks"], b=DEAD[0] + "\nvia = a") + "[pool p]\nservers = b\n"
    result = t.run(*CONNECT, t.host(), "80", **with_conf(t, text))
    t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")


@case("what one process learns of a dead server, the next one knows", sanitizer=True)
def shared_mark(t):
    text = servers(dead=DEAD[0], good=URLS["microsocks"])
    for first in (True, False):
        host = t.host()
        result = fetch(t, host, **with_conf(t, text))
        hello(t, host, result)
        t.check(("server dead:" in result.err) == first, "tried when it should not be, or not tried")


@case("a dead server is tried again when its time is over", sanitizer=True)
def retried(t):
    text = "[defaults]\nretry_after = 1ms\n" + servers(dead=DEAD[0], good=URLS["microsocks"])
    for _ in range(2):
        host = t.host()
        result = fetch(t, host, **with_conf(t, text))
        hello(t, host, result)
        t.contains(result.err, "server dead:")


@case("when all are down: {}", sanitizer=True, each=(("try", "server dead:"),
                                                     ("fail", "no server is up")))
def all_down(t, policy, word):
    text = f"[defaults]\nwhen_all_down = {policy}\nattempts = 1\n" + servers(dead=DEAD[0])
    for first in (True, False):
        result = t.run(*CONNECT, t.host(), "80", **with_conf(t, text))
        t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")
        if not first:
            t.contains(result.err, word)


@case("round-robin goes on over processes", sanitizer=True)
def round_robin(t):
    text = servers(a=URLS["microsocks"], b=URLS["danted"]) + \
        "[pool p]\nservers = a, b\nchoose = round-robin\n"
    used = []
    for _ in range(4):
        host = t.host()
        result = fetch(t, host, **with_conf(t, text))
        hello(t, host, result)
        used.append("a" if "through a" in result.err else "b")
    t.check(used in (list("abab"), list("baba")), f"the servers were {used}")


@case("a server behind a unix socket carries a connection", sanitizer=True)
def unix_socket(t):
    path = t.folder + "/socks"
    t.ok(t.run(PYTHON, "-c", BRIDGE, path, PROXY4, via=None))
    host = t.host()
    hello(t, host, fetch(t, host, **with_conf(t, servers(u=f"socks5://unix:{path}\npipeline = off"))))


@case("isolation gives each destination credentials of its own", sanitizer=True)
def isolation(t):
    server = t.knobd("method=2")
    text = servers(k=server.url() + "\nisolate = destination")
    hosts = [t.host(), t.host()]
    for host in (hosts[0], hosts[1], hosts[0]):
        hello(t, host, fetch(t, host, **with_conf(t, text)))
    with open(server.log, encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    tokens = [event["password"] for event in events if event["event"] == "user"]
    t.check(len(tokens) == 3 and tokens[0] == tokens[2] != tokens[1], f"the tokens were {tokens}")


@case("pipeline = on sends greeting and request in one segment", sanitizer=True)
def pipelined(t):
    host = t.host()
    text = servers(d=URLS["danted"] + "\npipeline = on")
    hello(t, host, fetch(t, host, **with_conf(t, text)))
