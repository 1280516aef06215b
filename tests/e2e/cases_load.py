"""Servers that die and come back while many connections are made.

The clients are clients/hammer.py, the servers knobds that echo. A connection may fail only
if a server that was killed had already told it to send its request (or, a tunnel, had
already answered that): what was not sent can be tried elsewhere. The log of the killed one
tells: it is written before each answer goes out.
"""
import collections
import concurrent.futures
import contextlib
import json
import time

from cases_clients import CLIENTS, PYTHON
from cases_pools import with_conf
from servers import Knobd
from tap import case
from world import CLIENT4, PROXY4

PROCESSES, THREADS = 3, 4
N_CLIENTS = PROCESSES * THREADS
BOUND_S = 30  # for what must come; nothing waits so long unless it never comes
ENOUGH = 100  # connections, to see that a server is in use
ERRORS = {"connect": {"ECONNREFUSED", "ECONNRESET"}, "talk": {"ECONNRESET", "EPIPE"}}
ANSWERED = {"connect": "greeting", "talk": "request"}


def server(t, port=0):
    """A knobd that takes its time for the greeting: so most clients are there when it dies."""
    knobd = Knobd(t.folder, PROXY4, "connect=0", "delay_at=greeting:10", port=port)
    t.own.append(knobd)
    t.endpoints.add((PROXY4, knobd.port))
    return knobd


def until(condition, what):
    end = time.monotonic() + BOUND_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not in {BOUND_S} s")
        time.sleep(0.01)


def served(knobd):
    """How many connections were carried to their end."""
    with open(knobd.log, "rb") as f:
        return f.read().count(b'"echoed"')


def await_use(*knobds, what):
    """Each of them is in use, by connections that begin from now on."""
    before = [served(knobd) for knobd in knobds]
    for knobd, n in zip(knobds, before):
        until(lambda: served(knobd) >= n + ENOUGH, what)


@contextlib.contextmanager
def clients(t, text):
    """Clients that go on until the end of the block; then the dictionary has what they say."""
    stop, result = t.folder + "/stop", {}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            t.run, PYTHON, CLIENTS + "/hammer.py", "--processes", str(PROCESSES), "--threads",
            str(THREADS), "--until", stop, "name.example", "7", **with_conf(t, text))
        try:
            yield result
        finally:
            t.file("stop", "")
    result.update(json.loads(t.ok(running.result()).out))


def cut(knobd):
    """Connections that ended with the server: own port -> points that it had answered."""
    events = knobd.events()
    ended = {event["conn"] for event in events if event["event"] == "end"}
    ports = {event["conn"]: int(event["peer"].split()[1]) for event in events
             if event["event"] == "accept" and event["conn"] not in ended}
    answered = {port: set() for port in ports.values()}
    for event in events:
        if event["event"] == "answer" and event["conn"] in ports:
            answered[ports[event["conn"]]].add(event["point"])
    return answered


def only_the_unavoidable(t, result, *killed):
    """No connection failed that could have been tried elsewhere."""
    answered = collections.defaultdict(set)
    for knobd in killed:
        for port, points in cut(knobd).items():
            answered[port] |= points
    for phase, name, port in result["failed"]:
        t.check(name in ERRORS.get(phase, ()), f"{phase} has failed with {name}")
        t.check(ANSWERED[phase] in answered[port],
                f"{phase} from port {port} has failed, which had nothing to lose")
    t.check(len(result["failed"]) <= N_CLIENTS * len(killed), "more than one for each client")


def seen_by(t, port):
    """How many connections to this port were begun."""
    return sum((packet.src, packet.port) == (CLIENT4, port) for packet in t.packets())


def sections(**knobds):
    return "".join(f"[server {name}]\nurl = {knobd.url()}\npipeline = off\n"
                   for name, knobd in knobds.items())


@case("the first of two servers is killed and comes back: no connection fails that could be "
      "made elsewhere, {}", sanitizer=True, each=("failover", "round-robin"))
def killed(t, choose):
    a, b = server(t), server(t)
    text = f"[defaults]\nretry_after = 1s\n{sections(a=a, b=b)}" \
           f"[pool p]\nservers = a, b\nchoose = {choose}\n"
    with clients(t, text) as result:
        await_use(a, what="a is used")
        a.stop()
        await_use(b, what="b takes over")
        down_s = time.monotonic()
        again = server(t, a.port)
        await_use(again, what="a is used again")
        down_s = time.monotonic() - down_s
    only_the_unavoidable(t, result, a)
    t.check(result["done"] >= 3 * ENOUGH, "too few connections")
    # each client may have been on its way to a when it died; then one probe for each second
    wasted = seen_by(t, a.port) - len(a.events("accept")) - len(again.events("accept"))
    t.check(wasted <= 2 * N_CLIENTS + down_s + 10, f"a was asked {wasted} times in vain")


@case("all servers are down for a moment: connections wait for them and do not fail",
      sanitizer=True)
def all_killed(t):
    a, b = server(t), server(t)
    text = "[defaults]\nretry_after = 1s\nwhen_all_down = try\nbackoff = 20ms\n" \
           f"attempts = 1000\n{sections(a=a, b=b)}[pool p]\nservers = a, b\n"
    with clients(t, text) as result:
        await_use(a, what="a is used")
        for knobd in (a, b):
            knobd.stop()
        before = seen_by(t, a.port) + seen_by(t, b.port)
        # so many that each client has failed with both, and is in a later round
        until(lambda: seen_by(t, a.port) + seen_by(t, b.port) >= before + 6 * N_CLIENTS,
              "all are tried again and again")
        again = server(t, b.port), server(t, a.port)
        until(lambda: sum(map(served, again)) >= ENOUGH, "they are used again")
    only_the_unavoidable(t, result, a, b)
    t.check(result["done"] >= 2 * ENOUGH, "too few connections")
