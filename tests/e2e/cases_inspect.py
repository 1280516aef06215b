"""The commands that say what is the matter: check, status, explain."""
import json
import os

from cases_clients import hello
from cases_pools import servers, with_conf
from cases_servers import fetch
from servers import DEAD, URLS
from tap import case
from world import PROXY4, WEB4

ABILITIES = (  # server, methods, pipelining, UDP
    ("microsocks", ["none"], "unsafe", False),
    ("microsocks6", ["none"], "unsafe", False),
    ("microsocks-auth", ["password"], "unsafe", False),
    ("danted", ["none"], "safe", True),
    ("danted6", ["none"], "safe", True),
    ("ssh -D", ["none"], "safe", False),
    ("tinyproxy", [], "unknown", None),
    ("v2ray", ["none"], "safe", True),
    ("ss-local", ["none"], "safe", True),
)
CLOSED = f"{WEB4}:9"


def command(t, *argv, text=None, env=None, **urls):
    """socksify ARGV..., with these servers in its file."""
    conf = t.file("socksify.conf", servers(**urls) if text is None else text, 0o600)
    return t.run(t.world.command, argv[0], "-f", conf, *argv[1:], via=None, env=env)


def fresh(t):
    """A place for state in which nothing is known yet."""
    path = t.folder + "/fresh"
    os.makedirs(path, 0o700, exist_ok=True)
    return {"XDG_RUNTIME_DIR": path}


def statuses(t, **options):
    return {entry["server"]: entry
            for entry in json.loads(t.ok(command(t, "status", "--json", **options)).out)}


@case("check: what {} can do", sanitizer=True, each=ABILITIES)
def check_abilities(t, name, methods, pipelining, udp):
    found = json.loads(t.ok(command(t, "check", "--json", s=URLS[name])).out)[0]
    t.check((found["methods"], found["pipelining"], found["udp"]) == (methods, pipelining, udp),
            "not what the server can do")
    t.check(found["good"] and found["connect_ms"] > 0 and found["server"] == "s", "not good")


@case("check: a server answers the request for datagrams with {}", sanitizer=True,
      each=((7, False), (1, False), (8, None)))
def check_datagrams(t, reply, udp):
    found = command(t, "check", "--json", s=t.knobd(f"rep={reply}").url())
    t.check(json.loads(t.ok(found).out)[0]["udp"] is udp, f"not {udp}")


@case("check: a request to a given destination through {}", sanitizer=True,
      each=("microsocks", "danted", "ssh -D", "tinyproxy"))
def check_request(t, name):
    result = command(t, "check", "--json", "--to", f"{WEB4}:80", s=URLS[name])
    t.check(json.loads(t.ok(result).out)[0]["request_ms"] > 0, "no time of the request")
    result = command(t, "check", "--to", CLOSED, s=URLS[name])
    t.contains(t.ok(result, 1).out, "request: ")


@case("check: the step that fails is {}", sanitizer=True, each=(
    ("resolve", "socks5://no-such-server.test"),
    ("connect", DEAD[0]),
    ("connect through another server", DEAD[0] + "\nvia = good"),
    ("greeting", f"socks5://{PROXY4}:1081"),
    ("credentials", f"socks5://eve:wrong@{PROXY4}:1081")))
def check_steps(t, step, url):
    t.permit(lambda p: p.port == 53)  # the server's own name is looked up here
    result = command(t, "check", good=URLS["danted"], bad=url)
    lines = {line.split()[0]: line for line in t.ok(result, 1).out.splitlines()}
    t.contains(lines["bad"], step.split()[0] + ": ")
    t.check(lines["good"].endswith(" good"), "the other one is not good")


@case("check: only the servers that are named, and an unknown one is an error", sanitizer=True)
def check_names(t):
    both = {"a": URLS["danted"], "b": DEAD[0]}
    t.check("b " not in t.ok(command(t, "check", "a", **both)).out, "b was asked as well")
    t.contains(t.ok(command(t, "check", "c", **both), 125).err, "there is no server c")
    t.contains(t.ok(command(t, "check", "--to", "nothing", **both), 125).err, "--to")


@case("status: attempts, successes, failures by cause, what is down and open now", sanitizer=True)
def status(t):
    urls = {"dead": DEAD[0], "good": URLS["microsocks"]}
    host = t.host()
    hello(t, host, fetch(t, host, **with_conf(t, servers(**urls))))
    found = statuses(t, **urls)
    t.check((found["dead"]["up"], found["good"]["up"]) == (False, True), "not down, or not up")
    t.check(0 < found["dead"]["down_for_s"] <= 30, "not for 30 s")
    t.check(found["dead"]["failures"]["unreachable"] == 1, "the failure is not counted")
    t.check((found["good"]["attempts"], found["good"]["successes"]) == (1, 1), "not 1 of 1")
    t.check(found["good"]["handshake_ms"]["median"] > 0, "no time of the handshake")
    text = command(t, "status", **urls).out
    t.contains(text, "down until ")
    t.contains(text, "unreachable 1")
    t.ok(command(t, "status", "--reset", **urls))
    found = statuses(t, **urls)
    t.check(found["dead"]["up"] and found["good"]["attempts"] == 0, "not reset")


@case("status: connections that are open now, by {}", sanitizer=True, each=(
    ("IPv4", "microsocks"), ("IPv6", "microsocks6")))
def status_open(t, _, name):
    conf = t.file("socksify.conf", servers(s=URLS[name]), 0o600)
    script = (f"exec 3<>/dev/tcp/{WEB4}/7 4<>/dev/tcp/{WEB4}/7; "
              f"env -u LD_PRELOAD {t.world.command} status --json -f {conf}")
    result = t.ok(t.run("bash", "-c", script, via=(), options=["-f", conf]))
    t.check(json.loads(result.out)[0]["open"] == 2, "not 2")
    t.check(statuses(t, s=URLS[name])["s"]["open"] == 0, "still open")


@case("status: a state that cannot be shared is told", sanitizer=True)
def status_foreign(t):
    where = fresh(t)
    os.makedirs(where["XDG_RUNTIME_DIR"] + "/socksify", 0o755)
    os.chmod(where["XDG_RUNTIME_DIR"] + "/socksify", 0o755)
    os.makedirs("/tmp/socksify-0", 0o755, exist_ok=True)
    os.chmod("/tmp/socksify-0", 0o755)
    try:
        result = command(t, "status", env=where, s=URLS["microsocks"])
        t.contains(t.ok(result, 125).err, "the state file cannot be used")
    finally:
        os.rmdir("/tmp/socksify-0")


@case("the command finds out whether {} can be pipelined, and tells all", sanitizer=True, each=(
    ("danted", "safe"), ("microsocks", "unsafe"), ("microsocks-auth", "unsafe"),
    ("ssh -D", "safe")))
def learns(t, name, verdict):
    urls, where = {"s": URLS[name]}, fresh(t)
    t.check(statuses(t, env=where, **urls)["s"]["pipelining"] == "unknown", "known before")
    for _ in range(2):
        host = t.host()
        hello(t, host, t.run("curl", "-sS", f"http://{host}/hello", env=where,
                             **with_conf(t, servers(**urls))))
        t.check(statuses(t, env=where, **urls)["s"]["pipelining"] == verdict, f"not {verdict}")


EXPLAIN = """
[server one]
url = socks5://192.0.2.2:1080
[server two]
url = socks5://192.0.2.2:1082
via = one
[server three]
url = socks5://192.0.2.2:1082
via = four
[server four]
url = http://192.0.2.2:1084
[pool main]
servers = one, two
[rules]
direct = *.corp.example, 10.0.0.0/8
block = :25
two = secret.example:443-444
three = chained.example
"""
EXPLAINED = (  # destination, options, what is said
    ("www.example.org:80", (), ("tcp): proxy", "everything else", "main: one, two via one",
                                "resolved by the server")),
    ("a.corp.example:22", (), ("): direct", "*.corp.example (", "socksify.conf:15)",
                               "looked up on this machine")),
    ("10.1.2.3:80", (), ("): direct", "10.0.0.0/8 (", ":15)")),
    ("192.0.2.9:25", (), ("): blocked", "*:25 (", ":16)")),
    ("x.secret.example:444", (), ("): proxy", "secret.example:443-444 (", ":17)", "two: two via")),
    ("localhost:80", (), ("): direct", "this machine", "hosts file")),
    ("[2001:db8::1]:80", (), ("): proxy",)),
    ("192.0.2.9:53", ("--udp",), ("udp): proxy", "main: one, two via one\n")),
    ("x.secret.example:444", ("--udp",), ("udp): proxy", "two: two via one")),
    ("chained.example:444", ("--udp",), ("udp): refused", "also in a chain")),
    ("10.0.0.1:53", ("--udp",), ("udp): direct",)),
)


@case("explain: {}", each=[(dest + "".join(" " + o for o in options), dest, options, parts)
                           for dest, options, parts in EXPLAINED])
def explain(t, _, dest, options, parts):
    result = t.ok(command(t, "explain", *options, dest, text=EXPLAIN))
    for part in parts:
        t.contains(result.out, part)
    t.check(not t.packets(), "something went over the wire")


@case("explain: JSON, a program of its own, and what is no destination", sanitizer=True)
def explain_more(t):
    found = json.loads(command(t, "explain", "--json", "a.example:443", text=EXPLAIN).out)
    t.check((found["action"], found["servers"]) == ("proxy", ["one", "two"]), "not as in the text")
    os.makedirs(t.folder + "/apps")
    t.file("apps/curl.conf", "[rules]\nblock = *\n")
    result = command(t, "explain", "--app", "curl", "a.example:443", text=EXPLAIN)
    t.contains(result.out, "apps/curl.conf:2")
    for wrong in ("a.example", "a.example:0", "2001:db8::1:80", "-x.example:80"):
        t.ok(command(t, "explain", "--", wrong, text=EXPLAIN), 125)
