"""Chains of every protocol, servers behind unix sockets, servers with several users."""
import itertools
import json
import os
import socket

from cases_clients import CLIENTS, PYTHON, hello
from cases_knobs import KINDS, flags
from cases_pools import servers, with_conf
from cases_servers import CONNECT, fetch
from servers import DEAD, URLS, Knobd
from tap import case
from world import PROXY4, WEB4

PROTOCOLS = {"SOCKS4": ("4", "socks4"), "SOCKS4a": ("4a", "socks4a"), "SOCKS5": ("5", "socks5"),
             "HTTP": ("http", "http")}
HAMMER = [PYTHON, CLIENTS + "/hammer.py"]
ECHOED = f"connected {'hi' + chr(10)!r}\n"
NEVER_DOWN = "[defaults]\nfail_threshold = 100\n"
SHORT = "[defaults]\nreply_timeout = 300ms\nhandshake_timeout = 300ms\n"


def hop(t, protocol, *knobs):
    return t.knobd("version=" + PROTOCOLS[protocol][0], *knobs)


def chain(*urls, prefix="s"):
    """Sections s0, s1 ... for these servers, each reached through the one before; more
    keys may stand behind a newline in a URL."""
    text = ""
    for i, url in enumerate(urls):
        text += f"[server {prefix}{i}]\nurl = {url}\n"
        text += f"via = {prefix}{i - 1}\n" if i else ""
    return text


def pool(*names):
    return f"[pool p]\nservers = {', '.join(names)}\n"


def connects(t, text, *argv):
    return t.run(*CONNECT, *argv, **with_conf(t, text))


def requests(server):
    """What the server was asked for: (host, port) of each request."""
    return [(event["host"], event["port"]) for event in server.events("request")]


def passes(t, protocols):
    """A connection through one knobd of each protocol; each is asked for the next one."""
    hops = [hop(t, protocol) for protocol in protocols]
    text = chain(*(server.url(PROTOCOLS[protocol][1])
                   for server, protocol in zip(hops, protocols)))
    host = WEB4 if protocols[-1] == "SOCKS4" else t.host("web4")
    result = connects(t, text + pool(f"s{len(hops) - 1}"), "--say", "hi", host, "7")
    t.check(result.out == ECHOED, "no echo")
    asked = [(PROXY4, server.port) for server in hops[1:]] + [(host, 7)]
    for server, wanted in zip(hops, asked):
        t.check(requests(server) == [wanted], f"a hop was asked for {requests(server)}")
    t.check({p.port for p in t.packets()} == {hops[0].port}, "not only the first was connected to")
    t.reached_from("echo", {PROXY4})


@case("a chain of {} and {}", sanitizer=True, each=itertools.product(PROTOCOLS, repeat=2))
def chain_of_two(t, *protocols):
    passes(t, protocols)


@case("a chain of {}, {} and {}", sanitizer=True, each=(
    ("SOCKS5", "HTTP", "SOCKS4a"), ("HTTP", "SOCKS4", "SOCKS5"), ("SOCKS4", "SOCKS5", "HTTP"),
    ("SOCKS4a", "HTTP", "SOCKS4")))
def chain_of_three(t, *protocols):
    passes(t, protocols)


@case("a chain through real servers: {}", sanitizer=True, each=(
    ("tinyproxy, microsocks", "tinyproxy", "microsocks"),
    ("danted, tinyproxy with a password", "danted", "tinyproxy-auth"),
    ("microsocks with a password, ssh -D, tinyproxy", "microsocks-auth", "ssh -D", "tinyproxy")))
def chain_of_real(t, _, *names):
    host = t.host()
    text = chain(*(URLS[name] for name in names)) + pool(f"s{len(names) - 1}")
    hello(t, host, fetch(t, host, **with_conf(t, text)))


@case("user and password of a middle hop that speaks {} are given to it alone", sanitizer=True,
      each=("SOCKS5", "HTTP"))
def middle_user(t, protocol):
    ends = [hop(t, "SOCKS5"), hop(t, "SOCKS5")]
    middle = hop(t, protocol, "user=bob", "password=p:w")
    url = middle.url(PROTOCOLS[protocol][1], "bob:p%3Aw@")
    result = connects(t, chain(ends[0].url(), url, ends[1].url()) + pool("s2"),
                      "--say", "hi", t.host("web4"), "7")
    t.check(result.out == ECHOED, "no echo")
    t.check(len(middle.events("user")) == 1, "not given once")
    for end in ends:
        t.check(end.events("message")[0]["segments"] == ["050100"], "offered to another hop")


BAD_MIDDLES = [
    ("refuses with {}", protocol, "ENETUNREACH", knob) for protocol, knob in (
        ("SOCKS5", "rep=1"), ("SOCKS5", "rep=2"), ("SOCKS5", "rep=5"), ("SOCKS4", "rep=91"),
        ("HTTP", "status=403"), ("HTTP", "status=502"), ("HTTP", "status=504"))
] + [
    ("refuses the credentials: {}", "SOCKS5", "EACCES", "method=255"),
    ("refuses the credentials: {}", "HTTP", "EACCES", "status=407"),
    ("ends it: {}", "SOCKS5", "ECONNRESET", "close_at=accept"),
    ("ends it: {}", "SOCKS5", "ECONNRESET", "rst_at=greeting"),
    ("ends it: {}", "SOCKS5", "ENETUNREACH", "close_at=request"),
    ("ends it: {}", "HTTP", "EPROTO", "reply_short=20"),
    ("hangs: {}", "SOCKS5", "ETIMEDOUT", "silent_at=accept"),
    ("hangs: {}", "SOCKS5", "ETIMEDOUT", "silent_at=request"),
    ("hangs: {}", "SOCKS4", "ETIMEDOUT", "silent_at=request"),
    ("hangs: {}", "HTTP", "ETIMEDOUT", "reply_stall=20"),
]


@case("a middle hop of {1} {0}: {2}, and the next server is tried", sanitizer=True,
      each=[(what.format(knob), *rest, knob) for what, *rest, knob in BAD_MIDDLES])
def bad_middle(t, _, protocol, name, knob):
    middle, last = hop(t, protocol, knob), t.knobd()
    text = chain(URLS["microsocks"], middle.url(PROTOCOLS[protocol][1]), last.url())
    result = connects(t, SHORT + text + servers(good=URLS["danted"]) + pool("s2", "good"),
                      "--say", "hi", t.host("web4"), "7")
    t.check(result.out == ECHOED, "the next one was not tried")
    result = connects(t, SHORT + "attempts = 1\n" + text + pool("s2"), t.host(), "7")
    t.check(result.out == f"error {name}\n", f"not {name}")
    t.contains(result.err, "socksify: server s2: ")
    t.check(not last.events("message"), "the hop behind it was spoken to")


@case("a hop that hangs does not outlast the deadline", sanitizer=True)
def hop_deadline(t):
    text = chain(URLS["microsocks"], t.knobd("silent_at=request").url(), URLS["danted"])
    result = connects(t, "[defaults]\ndeadline = 500ms\n" + text + pool("s2"), t.host(), "7")
    t.check(result.out == "error ETIMEDOUT\n", "not ETIMEDOUT")


@case("a hop by host name is looked up by the {} server before it", sanitizer=True,
      each=("microsocks", "danted", "tinyproxy", "ssh -D"))
def hop_by_name(t, first):
    name, host = t.host("socks4"), t.host()
    text = chain(URLS[first], f"socks5://{name}:1080", URLS["danted"])
    hello(t, host, fetch(t, host, **with_conf(t, text + pool("s2"))))
    t.resolved_remotely(name)
    t.check(not t.dns.asked_by_client(), "a name was looked up here")


@case("SOCKS4a carries the host name of the next hop", sanitizer=True)
def hop_by_name_socks4a(t):
    server, name = t.knobd("hosts=*:" + PROXY4), t.host("socks4")
    text = chain(server.url("socks4a"), f"socks5://{name}:1080") + pool("s1")
    t.check(connects(t, text, "--say", "hi", WEB4, "7").out == ECHOED, "no echo")
    t.check(requests(server) == [(name, 1080)], "not asked for the name")
    t.check(not t.dns.asked, "somebody has looked it up")


@case("a next hop that SOCKS4 cannot carry is an error of the configuration", sanitizer=True)
def hop_by_name_socks4(t):
    text = chain("socks4://192.0.2.2", f"socks5://{t.host('socks4')}:1080")
    result = t.ok(connects(t, text + pool("s1"), WEB4, "7"), 125)
    t.contains(result.err, "via: SOCKS4 carries no host names")
    t.check(not t.dns.asked and not t.packets(), "somebody was asked")


@case("30 threads make 20 connections each through one of two chains of three, and all pass "
      "all hops of it", sanitizer=True)
def crowd(t):
    first, second = t.knobd(), t.knobd()
    text = chain(first.url(), URLS["microsocks"], URLS["danted"]) + \
        chain(second.url(), URLS["danted"], URLS["microsocks"], prefix="z") + \
        pool("s2", "z2") + "choose = round-robin\n"
    result = t.ok(t.run(*HAMMER, "--threads", "30", "--count", "20", WEB4, "7",
                        **with_conf(t, text)))
    t.check(json.loads(result.out) == {"done": 600, "failed": []}, "not all went well")
    logs = {daemon.name: daemon.news() for daemon in t.lab.daemons}
    passed = {
        "first to microsocks": requests(first).count((PROXY4, 1080)),
        "second to danted": requests(second).count((PROXY4, 1082)),
        "microsocks to danted": logs["microsocks"].count(f"connected to {PROXY4}:1082"),
        "microsocks to the target": logs["microsocks"].count(f"connected to {WEB4}:7"),
        "danted to microsocks": logs["danted"].count(f" {PROXY4}.1080\n"),
        "danted to the target": logs["danted"].count(f" {WEB4}.7\n"),
    }
    t.check(set(passed.values()) == {300}, f"the hops were passed {passed}")
    t.check([hit.service for hit in t.targets.hits] == ["echo"] * 600, "not all have arrived")


# ---- unix sockets


def unix_server(t, *knobs):
    """A knobd behind a unix socket."""
    server = Knobd(t.folder, f"unix:{t.folder}/socks", *knobs)
    t.own.append(server)
    return server


@case("a {} server behind a unix socket", sanitizer=True, each=("SOCKS4", "SOCKS4a", "SOCKS5"))
def unix_protocol(t, protocol):
    version, scheme = PROTOCOLS[protocol]
    text = servers(u=unix_server(t, "version=" + version).url(scheme))
    result = connects(t, text, "--say", "hi", WEB4, "7")
    t.check(result.out == ECHOED, "no echo")
    t.ok(fetch(t, WEB4, **with_conf(t, text)))
    t.reached(WEB4)
    t.check(not t.packets(), "something went over the wire")


@case("a chain that begins with a unix socket", sanitizer=True)
def unix_chain(t):
    first, host = unix_server(t), t.host()
    text = chain(first.url(), URLS["danted"]) + pool("s1")
    hello(t, host, fetch(t, host, **with_conf(t, text)))
    t.check(requests(first) == [(PROXY4, 1082)], "not asked for the second hop")


@case("a socket that leads to a unix socket: {}", sanitizer=True, each=(
    ("flags, peer, copies", "{name} 7"), ("an IPv6 address", "2001:db8:f::10 7"),
    ("a non-blocking one", "{name} 7 --nonblock")))
def unix_state(t, _, arguments):
    text = servers(u=unix_server(t).url())
    command = [t.world.build + "/tests/probe/connect_unix",
               *arguments.format(name=t.host("web4")).split()]
    t.permit(lambda packet: True)
    straight = t.run(*command, via=None)
    t.check(not straight.code, f"straight: {straight.out.strip()}")
    carried = t.run(*command, "--proxied", **with_conf(t, text))
    t.check(not carried.code, f"under socksify: {carried.out.strip()}")


def dead_socket(t, what):
    """The path of a socket that leads nowhere."""
    path = t.folder + "/dead"
    if what == "is missing":
        return path
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        os.chmod(path, 0o777)
        if what == "may not be used":
            os.chmod(path, 0o600)
            sock.listen()
    return path


@case("a unix socket that {} is told in the log, and the next server is tried", sanitizer=True,
      each=(("is missing", "No such file or directory"),
            ("nobody listens on", "Connection refused"), ("may not be used", "Permission denied")))
def unix_dead(t, what, words):
    text = servers(u=f"socks5://unix:{dead_socket(t, what)}", good=URLS["microsocks"])
    how = {"via": (), "unprivileged": True, "env": {"XDG_RUNTIME_DIR": ""}}
    alone = t.file("alone.conf", NEVER_DOWN + "attempts = 1\n" + text + pool("u"))
    both = t.file("both.conf", NEVER_DOWN + text + pool("u", "good"))
    for kind in KINDS:
        result = t.run(*CONNECT, *flags(kind), WEB4, "7", options=["-f", alone], **how)
        t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")
        t.contains(result.err, f"server u: its socket: {words}")
        result = t.run(*CONNECT, *flags(kind), "--say", "hi", WEB4, "7", options=["-f", both],
                       **how)
        t.check(result.out == ECHOED, "the next one was not tried")


@case("from a dead server to a unix socket that ends at once, and on to IPv4", sanitizer=True)
def unix_between(t):
    urls = {"dead": DEAD[0], "u": unix_server(t, "close_at=greeting").url(),
            "good": URLS["microsocks"]}
    for kind in KINDS:
        result = connects(t, NEVER_DOWN + servers(**urls), *flags(kind), "--say", "hi", WEB4, "7")
        t.check(result.out == ECHOED, "no echo")
        t.contains(result.err, "server u: the server closed the connection before the request")


# ---- users

USERS = {"anna:one", "bert:t:w:o", "carl:three"}


def users(t, *keys):
    """A knobd that wants credentials, and the configuration with three users for it."""
    server = t.knobd("method=2")
    path = t.file("users", "\n".join(sorted(USERS)) + "\n", 0o600)
    keys = "\n".join((f"users_file = {path}", *keys))
    return server, servers(k=f"{server.url()}\n{keys}")


def used(server):
    return [f"{event['user']}:{event['password']}" for event in server.events("user")]


@case("of three users in a file more than one is used, and no other", sanitizer=True)
def users_random(t):
    server, text = users(t)
    t.ok(t.run(*HAMMER, "--threads", "3", "--count", "10", WEB4, "7", **with_conf(t, text)))
    t.check(len(used(server)) == 30, "not one for each connection")
    t.check(1 < len(set(used(server))) and set(used(server)) <= USERS,
            f"the users were {used(server)}")


@case("a sticky user is one for each process, and not the same for all", sanitizer=True)
def users_sticky(t):
    server, text = users(t, "choose_user = sticky")
    loop = f"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do " \
           f"curl -sS http://{WEB4}/hello http://{WEB4}:8080/hello >/dev/null || exit; done"
    t.ok(t.run("sh", "-c", loop, **with_conf(t, text)))
    names = used(server)
    t.check(len(names) == 40, f"{len(names)} connections")
    t.check(names[::2] == names[1::2], "not the same in one process")
    t.check(len(set(names)) > 1, "the same in all processes")


@case("auth = required offers credentials alone, and refuses a server that wants none",
      sanitizer=True)
def auth_required(t):
    server = t.knobd("method=0")
    text = servers(k=server.url(credentials="alice:guess@") + "\nauth = required")
    result = connects(t, text + servers(good=URLS["microsocks"]), "--say", "hi", WEB4, "7")
    t.check(result.out == ECHOED, "the next one was not tried")
    t.contains(result.err, "takes no user and password, which are required")
    result = connects(t, "[defaults]\nattempts = 1\n" + text, WEB4, "7")
    t.check(result.out == "error EACCES\n", "not EACCES")
    segments = [event["segments"] for event in server.events("message")]
    t.check(segments == [["050102"]] * 2, f"it was told {segments}")


@case("auth = required with a server that wants credentials", sanitizer=True)
def auth_given(t):
    server, text = users(t, "auth = required")
    t.check(connects(t, text, "--say", "hi", WEB4, "7").out == ECHOED, "no echo")
    t.check(len(used(server)) == 1, "no credentials")
@case("{} through a server behind a unix socket", sanitizer=True,
      each=("urllib", "asyncio", "java", "a second connect"))
def unix_clients(t, client):
    text, host = servers(u=unix_server(t).url()), t.host()
    if client == "a second connect":
        result = connects(t, text, "--nonblocking", "--say", "hi", WEB4, "7")
        return t.check(result.out == ECHOED, "no echo")
    argv = {"urllib": [PYTHON, CLIENTS + "/fetch.py", "urllib", f"http://{host}/hello"],
            "asyncio": [PYTHON, CLIENTS + "/fetch.py", "asyncio", host],
            "java": ["java", CLIENTS + "/Fetch.java", host]}[client]
    t.ok(t.run(*argv, **with_conf(t, text)))
    t.reached(host)


