"""Datagrams: what a server carries, what is refused, and what happens when it ends."""
from cases_clients import CLIENTS, PYTHON
from cases_pools import servers, with_conf
from cases_servers import fetch
from context import SERVERS
from servers import DANTED_CONF, DEAD, URLS, Daemon, Knobd, wait_listening
from tap import case
from world import CLIENT4, DNS4, PROXY4, PROXY6, WEB4, WEB6

CARRYING = ("danted", "danted6", "v2ray", "ss-local")
LARGEST = {"danted": 60000, "danted6": 60000}  # of others it is 2048 (v2ray), 4000 (ss-local)
DESTINATIONS = {"an IPv4 address": WEB4, "an IPv6 address": WEB6,
                "a name": "web4", "a name with IPv6 alone": "web6"}
DIG = ["dig", "+tries=1", "+time=20"]
REFUSED, BLOCKED = "ENETUNREACH", "EACCES"


def probe(t, name, *argv, **how):
    result = t.run(f"{t.world.build}/tests/probe/{name}", *argv, **how)
    t.check(not result.code and not result.out, result.out.strip() or "no success")
    return result


def carried(t, *ports):
    """The targets have got datagrams at these ports, and by servers alone."""
    for port in ports or (7,):
        t.reached_from(f"udp-{port}", SERVERS)
    t.check(not t.dns.asked_by_client(), "a name was looked up here")


def heard(t):
    """How many datagrams have come to the targets."""
    return sum(hit.service.startswith("udp") for hit in t.targets.hits)


@case("a probe's datagrams to {1} go by {0}", sanitizer=True,
      each=[(server, what) for server in CARRYING for what in DESTINATIONS])
def echo(t, server, what):
    host = DESTINATIONS[what]
    largest = LARGEST.get(server, 1400)
    family = ["--v6"] if "6" in what else []
    probe(t, "udp_echo", t.host(host) if "name" in what else host, "7", *family,
          "--largest", str(largest), via=server)
    carried(t)
    t.check({int(hit.path) for hit in t.targets.hits} ==
            {n for n in (1, 100, 1400, 8000, 60000) if n <= largest}, "not of these sizes")


@case("python3's datagrams go by {1}: {0}", sanitizer=True,
      each=[(way, server) for way in ("connected", "unconnected", "asyncio")
            for server in CARRYING])
def python(t, way, server):
    host = t.host("web4")
    result = t.run(PYTHON, CLIENTS + "/datagram.py", way, host, "7", "one", "two", via=server)
    t.check(t.ok(result).out == "one from 7\ntwo from 7\n", "not what was said")
    t.resolved_remotely(host)
    carried(t)


@case("node's datagrams go by {1}: {0}", each=(
    ("connected", "danted"), ("unconnected", "danted"), ("unconnected", "v2ray")))
def node(t, way, server):
    for host in (t.host("web4"), WEB4, WEB6):
        result = t.run("node", CLIENTS + "/datagram.js", way, host, "7", "one", "two", via=server)
        t.check(t.ok(result).out == "one from 7\ntwo from 7\n", "not what was said")
    carried(t)


@case("socat's datagrams go by {}", each=CARRYING)
def socat(t, server):
    for address in (f"UDP4:{t.host('web4')}:7", f"UDP4-SENDTO:{WEB4}:7", f"UDP6:[{WEB6}]:7"):
        result = t.run("socat", "-t", "20", "-", address + ",readbytes=5", stdin="hello",
                       via=server)
        t.check(t.ok(result).out == "hello", "not what was said")
    carried(t)


@case("java's datagrams go by {}", each=("danted", "v2ray"))
def java(t, server):
    host = t.host("web4")
    result = t.run("java", CLIENTS + "/Datagram.java", host, "7", "hello", via=server)
    t.check(t.ok(result).out == "".join(f"{way} hello from 7\n" for way in
                                        ("socket", "connected", "channel")), "not what was said")
    t.resolved_remotely(host)
    carried(t)


@case("dig's question to a nameserver goes by {} with dns = carry", each=("danted", "v2ray"))
def dig(t, server):
    host = t.host("web4")
    conf = with_conf(t, "[defaults]\ndns = carry\n" + servers(s=URLS[server]))
    t.check(t.ok(t.run(*DIG, "+short", f"@{DNS4}", host, **conf)).out == WEB4 + "\n",
            "not the nameserver's answer")
    t.check(t.dns.peers_asking(host) == {PROXY4}, "not asked by the server")


@case("an AF_INET socket does not reach a relay that has IPv6 alone, an AF_INET6 socket does",
      sanitizer=True)
def relay_of_ipv6(t):
    server = Knobd(t.folder, PROXY6, "udp")
    t.own.append(server)
    t.endpoints.add((PROXY6, server.port))
    url = f"socks5://[{PROXY6}]:{server.port}"
    result = t.ok(t.run(PYTHON, "-c", TWICE, WEB4, "0", via=url))
    t.check(set(result.out.split()) <= {"sent", "ENETUNREACH"}, "neither refused nor dropped")
    t.check(not heard(t), "it was carried")
    for host, family in ((WEB6, "--v6"), (WEB4, "--mapped")):
        probe(t, "udp_echo", host, "7", family, via=url)
    carried(t)


@case("dante with IPv6 alone carries what IPv6 sockets send, and refuses but IPv4 ones",
      sanitizer=True)
def dante_of_ipv6(t):
    port = 1088
    lines = [line for line in DANTED_CONF.splitlines() if PROXY4 not in line]
    conf = t.file("danted.conf", "\n".join(lines).replace("1082", str(port)) + "\n")
    t.own.append(Daemon("danted-ipv6", "danted", "-f", conf, "-p", t.folder + "/danted.pid"))
    t.endpoints.add((PROXY6, port))
    wait_listening(t.own, {(PROXY6, port)})
    url = f"socks5://[{PROXY6}]:{port}"
    result = t.ok(t.run(PYTHON, "-c", TWICE, WEB6, "0.2", via=url))
    t.check(result.out == "sent\n" * 4, "not sent")
    t.check(t.ok(t.run(PYTHON, "-c", TWICE, WEB4, "0.2", via=url)).out.count("sent") < 4,
            "an IPv4 socket has sent to a relay with IPv6")
    probe(t, "udp_echo", WEB6, "7", "--v6", "--largest", "60000", via=url)
    carried(t)


# Says whether IPV6_V6ONLY hinders what goes to a relay with IPv4
V6ONLY = """
import socket, sys
for connects in False, True:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.settimeout(20)
    to = (sys.argv[1], 7)
    if connects:
        sock.connect(to)
        sock.send(b"x")
    else:
        sock.sendto(b"x", to)
    data, peer = sock.recvfrom(10)
    print(data, peer[:2] == to)
"""


@case("an AF_INET6 socket with IPV6_V6ONLY reaches a relay with IPv4", sanitizer=True,
      each=("danted", "v2ray"))
def v6only(t, server):
    result = t.ok(t.run(PYTHON, "-c", V6ONLY, WEB6, via=server))
    t.check(result.out == "b'x' True\n" * 2, "not what was said")
    carried(t)


@case("what bash writes to /dev/udp goes by {} or not at all", sanitizer=True,
      each=("danted", "microsocks"))
def bash(t, server):
    t.run("bash", "-c", f"exec 5<>/dev/udp/{WEB4}/7; echo one >&5; echo two >&5", via=server)
    t.check(not t.targets.hits or {hit.peer for hit in t.targets.hits} <= SERVERS, "it leaked")


PASSED = ("before {0}\nbefore too \nbehind {0}\nbehind too \ngiven {0}\n")


@case("sockets are used behind exec, and by another process that gets one: to {}",
      sanitizer=True, each=("an address", "a name"))
def passed(t, what):
    host = WEB4 if what == "an address" else t.host("web4")
    result = t.ok(t.run(PYTHON, CLIENTS + "/passed.py", host, via="danted"))
    peers = {line.split()[1] for line in result.out.splitlines() if line[-1] != " "}
    t.check(len(peers) == 1 and result.out == PASSED.format(*peers), "not what was said")
    if what == "an address":
        t.check(peers == {host}, "another peer's address")
    carried(t)


# Prints what becomes of what was taken before anybody knew that it cannot be sent
TAKEN = """
import errno, select, socket, sys
for connects in False, True:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    to = (sys.argv[1], 7)
    try:
        if connects:
            sock.connect(to)
            sock.send(b"x")
        else:
            sock.sendto(b"x", to)
        select.select([sock], [], [], 20)
        sock.recv(10)
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


@case("a socket that does not block wakes with ENETUNREACH where nobody carries datagrams",
      sanitizer=True)
def told(t):
    result = t.ok(t.run(PYTHON, "-c", TAKEN, WEB4, via="microsocks"))
    t.check(result.out == "ENETUNREACH\n" * 2, "not what the kernel would say")
    t.check(not heard(t), "a datagram was sent")


ONE_DIRECT = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(20)
for turn in range(3):
    for port in (7, 8):
        sock.sendto(b"%d" % port, (sys.argv[1], port))
    for _ in range(2):
        data, (host, port) = sock.recvfrom(100)
        print(host == sys.argv[1] and int(data) == port)
"""


@case("one socket sends to a destination that is direct and to one that is not", sanitizer=True)
def one_direct(t):
    t.permit(lambda packet: packet.port == 8)
    conf = with_conf(t, servers(s=URLS["danted"]) + "[rules]\ndirect = udp:8\n")
    result = t.ok(t.run(PYTHON, "-c", ONE_DIRECT, WEB4, **conf))
    t.check(result.out == "True\n" * 6, "not from the right one")
    t.reached_from("udp-7", {PROXY4})
    t.reached_from("udp-8", {CLIENT4})


@case("udp = block, rules and servers: {0}", sanitizer=True, each=(
    ("[defaults] udp = block", "udp = block", "", "", BLOCKED),
    ("a server's udp = block", "", "udp = block", "", REFUSED),
    ("a rule blocks them", "", "", "block = udp:*", BLOCKED),
    ("a rule blocks another port", "", "", "block = udp:8", "one from 7"),
    ("a rule blocks tcp alone", "", "", "block = tcp:*", "one from 7")))
def blocked(t, _, default, key, rule, expected):
    conf = with_conf(t, f"[defaults]\n{default}\n" + servers(s=URLS["danted"] + "\n" + key) +
                     f"[rules]\n{rule}\n")
    refusals = {REFUSED: "Network is unreachable", BLOCKED: "Permission denied"}
    for way in ("connected", "unconnected"):
        result = t.run(PYTHON, CLIENTS + "/datagram.py", way, WEB4, "7", "one", **conf)
        if expected in refusals:
            t.contains(t.ok(result, 1).err, refusals[expected])
        else:
            t.check(t.ok(result).out == expected + "\n", "not carried")
    t.check(heard(t) == (0 if expected in refusals else 2), "not as many have come")


@case("udp = direct: datagrams go directly, connections do not", sanitizer=True)
def direct(t):
    t.permit(lambda packet: packet.proto == "udp" and packet.dst == WEB4)
    conf = with_conf(t, "[defaults]\nudp = direct\n" + servers(s=URLS["danted"]))
    result = t.run(PYTHON, CLIENTS + "/datagram.py", "connected", WEB4, "7", "one", **conf)
    t.check(t.ok(result).out == "one from 7\n", "not what was said")
    t.reached_from("udp-7", {CLIENT4})
    t.ok(fetch(t, WEB4, **conf))
    t.reached_from("http", {PROXY4})


TWICE = """
import errno, socket, sys, time
for flags in (0, socket.MSG_DONTWAIT):
    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    for turn in range(2):
        try:
            sock.sendto(b"x", flags, (sys.argv[1], 7))
            print("sent")
        except OSError as why:
            print(errno.errorcode[why.errno])
        if flags and not turn:
            time.sleep(float(sys.argv[2]))
"""


@case("a server that carries no datagrams is asked once, and by one process", sanitizer=True)
def learned(t):
    server = t.knobd()
    for _ in range(3):
        result = t.run(PYTHON, "-c", TWICE, WEB4, "0.2", via=server.url())
        t.ok(result)
    t.check(result.out == "ENETUNREACH\n" * 4, "not refused at once")
    t.check([event["command"] for event in server.events("request")] == [3], "not asked once")


@case("a process that cannot know yet: {} that carries no datagrams", sanitizer=True,
      each=("microsocks", "ssh -D"))
def unlearned(t, server):
    path = t.folder + "/fresh"
    t.ok(t.run("mkdir", "-m", "700", path, via=None))
    result = t.run(PYTHON, "-c", TWICE, WEB4, "0", via=server, env={"XDG_RUNTIME_DIR": path})
    t.check(t.ok(result).out == "ENETUNREACH\n" * 4, "not refused at once")
    t.check(not heard(t), "it was carried")


@case("of a pool, the server that carries datagrams does: {}, danted", sanitizer=True,
      each=("microsocks", "ssh -D", "tinyproxy", "a dead one", "one with udp = block",
            "one that has not been asked"))
def pool(t, first):
    url = {"a dead one": DEAD[0], "one with udp = block": URLS["v2ray"] + "\nudp = block"}.get(
        first) or URLS.get(first) or t.knobd("rep=7").url()
    conf = with_conf(t, servers(a=url, b=URLS["danted"]) + "[pool main]\nservers = a, b\n")
    for way in ("connected", "unconnected"):
        result = t.run(PYTHON, CLIENTS + "/datagram.py", way, WEB4, "7", "one", **conf)
        t.check(t.ok(result).out == "one from 7\n", "not what was said")
    carried(t)
