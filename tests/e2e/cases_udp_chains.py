"""Datagrams through servers that are reached through others: each relays to the next one."""
from cases_chains import chain, pool
from cases_clients import CLIENTS, PYTHON
from cases_pools import with_conf
from cases_udp import DESTINATIONS, carried, heard, probe
from servers import URLS
from tap import case
from world import WEB4

# "knobd" is one of the case's own; dante does not relay to itself
CHAINS = (("danted", "v2ray"), ("v2ray", "danted"), ("ss-local", "danted"), ("danted6", "v2ray"),
          ("danted", "knobd"), ("knobd", "danted"), ("danted", "ss-local", "v2ray"),
          ("knobd", "danted", "ss-local", "v2ray"))
LARGEST = {("danted", "knobd"): 60000, ("knobd", "danted"): 60000}  # as far as all of them go


def urls_of(t, names):
    return [t.knobd("udp").url() if name == "knobd" else URLS[name] for name in names]


def through(t, *urls, defaults=""):
    return with_conf(t, defaults + chain(*urls) + pool(f"s{len(urls) - 1}"))


@case("a probe's datagrams to {1} pass {0}", sanitizer=True,
      each=[(" and ".join(names), what, names) for names in CHAINS for what in DESTINATIONS])
def echo(t, _, what, names):
    host = DESTINATIONS[what]
    family = ["--v6"] if "6" in what else []
    probe(t, "udp_echo", t.host(host) if "name" in what else host, "7", *family,
          "--largest", str(LARGEST.get(names, 1400)), **through(t, *urls_of(t, names)))
    carried(t)


@case("{0}, python3: each of three servers relays to the next one", sanitizer=True,
      each=("connected", "unconnected", "asyncio"))
def all_hops(t, way):
    servers = [t.knobd("udp") for _ in range(3)]
    host = t.host("web4")
    result = t.run(PYTHON, CLIENTS + "/datagram.py", way, host, "7", "one", "two",
                   **through(t, *(server.url() for server in servers)))
    t.check(t.ok(result).out == "one from 7\ntwo from 7\n", "not what was said")
    for server, after in zip(servers, (*servers[1:], None)):
        wanted = after.relays() if after else {(host, 7)}
        seen = {(e["host"], e["port"]) for e in server.events("datagram")}
        t.check(seen == wanted, f"{seen} and not {wanted} were sent to")
    t.resolved_remotely(host)
    carried(t)


@case("what datagram sockets do is the same through a chain: {0}", sanitizer=True,
      each=("udp_send", "udp_recv", "udp_peers", "udp_lives"))
def calls(t, name):
    probe(t, name, WEB4, "7", **through(t, *urls_of(t, ("danted", "knobd"))))
    carried(t)


@case("sockets are used behind exec, and by another process that gets one", sanitizer=True)
def passed(t):
    result = t.run(PYTHON, CLIENTS + "/passed.py", WEB4, 
                   **through(t, *urls_of(t, ("knobd", "danted"))))
    t.check(t.ok(result).out.count(WEB4) == 3, "not all were answered")
    carried(t)


@case("a chain is passed over where {}", sanitizer=True, each=(
    ("its first server carries no datagrams", "microsocks", "danted"),
    ("its last server carries no datagrams", "danted", "microsocks"),
    ("a server in between is HTTP", "danted", "tinyproxy", "v2ray")))
def incapable(t, _, *names):
    urls = urls_of(t, names)
    result = t.run(PYTHON, CLIENTS + "/datagram.py", "connected", WEB4, "7", "one",
                   **through(t, *urls))
    t.contains(t.ok(result, 1).err, "Network is unreachable")
    t.check(not heard(t), "it was carried")
    text = chain(*urls) + f"[server d]\nurl = {URLS['danted']}\n" + pool(f"s{len(urls) - 1}", "d")
    result = t.run(PYTHON, CLIENTS + "/datagram.py", "connected", WEB4, "7", "one",
                   **with_conf(t, text))
    t.check(t.ok(result).out == "one from 7\n", "not by the next server")


@case("udp = associate of a server that datagrams cannot reach is an error at the start")
def said_in_vain(t):
    result = t.run("true", **through(t, URLS["tinyproxy"], URLS["danted"] + "\nudp = associate"))
    t.contains(t.ok(result, 125).err, "udp: datagrams cannot pass s0 before it")
