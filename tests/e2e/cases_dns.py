"""Programs with a resolver of their own: what they ask a nameserver is answered from the
fake-DNS table, and the DNS server hears nothing."""
from cases_clients import CLIENTS, PYTHON, hello
from cases_probes import passed
from dns import SECOND4, SECOND6
from servers import URLS
from tap import case
from world import CLIENT4, CLIENT6, DNS4, DNS6, HOSTS_NAME, PROXY4, WEB4

MX = "15"  # as the DNS server writes it
STUB = "127.0.0.53"
NO_NAME = "203.0.113.99"
PROBES = [
    ("questions by UDP, IPv4", "dns_udp {dns4} {other4} {name}"),
    ("questions by UDP, IPv6", "dns_udp {dns6} {other6} {name}"),
    ("questions by TCP, IPv4", "dns_tcp {dns4} {name}"),
    ("questions by TCP, IPv6", "dns_tcp {dns6} {name}"),
    ("res_query and its relatives", "dns_libc {name}"),
    ("questions of threads, children, strangers", "dns_lives {dns4} {name}"),
]


def table(t):
    """Options: TCP is answered too, whatever the address."""
    return {"via": (), "options": ["-f", t.file("table.conf", "[defaults]\ndns = table\n"
                                                f"[server s]\nurl = {URLS['microsocks']}\n")]}


def probe(t, command):
    name, *arguments = command.format(
        dns4=DNS4, dns6=DNS6, other4=SECOND4, other6=SECOND6,
        name=t.host("web4")).split()
    return [f"{t.world.build}/tests/probe/{name}", *arguments]


@case("{0}: straight", each=PROBES)
def straight(t, _, command):
    t.permit(lambda packet: True)
    passed(t, t.run(*probe(t, command), via=None))


@case("{0}: under socksify", each=PROBES, sanitizer=True)
def under_socksify(t, _, command):
    flags = ["--no-fork"] if t.lab.preload and command.startswith("dns_lives") else []
    passed(t, t.run(*probe(t, command), "--proxied", *flags, **table(t)))
    unheard(t)


def fake(t, host, database="ahostsv4"):
    """The name's address in the table, as getaddrinfo() gives it."""
    address = t.ok(t.run("getent", database, host)).out.split()[0]
    t.check(address.startswith(("198.18.", "198.19.", "fd53:6f63:6b73:")), "not of the table")
    return address


def unheard(t):
    t.check(not t.dns.asked, "the DNS server was asked")
    t.check(not t.proxy_used(), "a SOCKS server was used")


def lines(t, expected, *argv, **options):
    """The program prints just these lines."""
    result = t.ok(t.run(*argv, **options))
    t.check(result.out.split("\n")[:-1] == expected, f"not {expected}")
    return result


DIG = ["dig", "+time=5", "+tries=1"]


@case("dig {} gets an address of the table", sanitizer=True,
      each=[(" ".join(way), way) for way in ([f"@{DNS4}"], [f"@{DNS6}"], [f"@{STUB}"], [],
            ["+tcp", f"@{DNS4}"], ["+tcp", f"@{DNS6}"], ["+noedns"], ["+dnssec"])])
def dig(t, _, way):
    host = t.host()
    lines(t, [fake(t, host)], *DIG, "+short", *way, host, **table(t))
    unheard(t)


@case("dig asks for both families, the name, and what is not there")
def dig_types(t):
    host = t.host()
    address = fake(t, host)
    lines(t, [fake(t, host, "ahostsv6"), address], *DIG, "+short", host, "AAAA", host, "A", host, "AAAA",
          host, "MX", host, "HTTPS")
    lines(t, [address, host + "."], *DIG, "+short", host, "A", "-x", address)
    for question, status in ((["-x", "198.18.7.7"], "NXDOMAIN"), (["-x", NO_NAME], "NXDOMAIN"),
                             (["version.bind", "CH", "TXT"], "REFUSED"), (["a b"], "NXDOMAIN"),
                             ([host, "TXT"], "NOERROR"), ([".", "NS"], "NOERROR"),
                             (["+opcode=STATUS", host], "NOTIMP"),
                             (["+edns=5", "+noednsnegotiation", host], "BADVERS"),
                             (["+header-only", host], "FORMERR")):
        result = t.ok(t.run(*DIG, *question))
        t.contains(result.out, f"status: {status}")
        t.check(f"SERVER: {DNS4}#53({DNS4})" in result.out, "not from the nameserver")
        t.check("recursion requested" not in result.out, "dig warns")
    unheard(t)


@case("TCP to a public nameserver goes through the proxy, TCP to a private one is answered",
      sanitizer=True)
def tcp(t):
    host = t.host("web4")
    lines(t, [WEB4], *DIG, "+short", "+tcp", f"@{DNS4}", host)
    t.check({question.peer for question in t.dns.asked} == {PROXY4}, "not asked by the proxy")
    address = fake(t, host)
    for private in ("10.1.2.3", "192.168.7.7", "172.31.0.1", "fd00::53"):
        lines(t, [address], *DIG, "+short", "+tcp", f"@{private}", host)


@case("dns = carry: TCP to a nameserver goes through the proxy, UDP does not go, the loopback is "
      "answered here", sanitizer=True)
def carry(t):
    host = t.host("web4")
    conf = {"via": (), "options": ["-f", t.file("carry.conf", "[defaults]\ndns = carry\n"
                                                f"[server s]\nurl = {URLS['microsocks']}\n")]}
    lines(t, [WEB4], *DIG, "+short", "+tcp", f"@{DNS4}", host, **conf)
    t.check({question.peer for question in t.dns.asked} == {PROXY4}, "not asked by the proxy")
    t.check(t.run(*DIG, "+short", f"@{DNS4}", host, **conf).code, "a datagram was answered")
    t.contains(t.ok(t.run(*DIG, "+short", "+tcp", f"@{STUB}", host, **conf)).out, "198.1")


@case("dig gets a name of the hosts file, and localhost")
def dig_local(t):
    lines(t, [WEB4], *DIG, "+short", HOSTS_NAME)
    lines(t, ["127.0.0.1"], *DIG, "+short", "localhost")
    lines(t, ["::1"], *DIG, "+short", "localhost", "AAAA")
    unheard(t)


@case("a name that a rule sends direct is looked up by the machine for {} too", sanitizer=True,
      each=["dig", "python3", "res_query"])
def direct_name(t, program):
    host = t.host("web4")
    conf = t.file("direct.conf", f"[server s]\nurl = socks5://192.0.2.2:1080\n"
                                 f"[rules]\ndirect = {host}\n")
    t.permit(lambda packet: packet.dst in (DNS4, WEB4))
    if program == "dig":
        lines(t, [WEB4], *DIG, "+short", host, via=(), options=["-f", conf])
    elif program == "res_query":
        passed(t, t.run(f"{t.world.build}/tests/probe/dns_libc", host, via=(),
                        options=["-f", conf]))
        mail = [question for question in t.dns.asked if question.type == MX]
        t.check(len(mail) >= 6, "not asked for its MX in all six ways")
    else:
        hello_line = t.ok(t.run(PYTHON, CLIENTS + "/resolve.py", DNS4, host, "fetch",
                                via=(), options=["-f", conf])).out
        t.contains(hello_line, f"hello {host} from 198.51.100.2")
    asked = {question.name for question in t.dns.asked}
    t.check(asked == {host}, "something else was asked")


@case("a nameserver that a rule {}", sanitizer=True, each=["sends direct", "blocks"])
def nameserver_rules(t, what):
    host = t.host("web4")
    conf = t.file("rules.conf", "[server s]\nurl = socks5://192.0.2.2:1080\n[rules]\n"
                  + f"{what.split()[-1].removesuffix('s')} = {DNS4}:53\n")
    t.permit(lambda packet: packet.dst == DNS4)
    result = t.run(*DIG, "+short", host, via=(), options=["-f", conf])
    if what == "blocks":
        t.check(result.code != 0, "dig has got an answer")
        t.check(not t.dns.asked, "the DNS server was asked")
    else:
        t.check(result.out == WEB4 + "\n", "not the answer of the DNS server")


@case("python3 asks by a socket of its own and connects to what it got through {}",
      each=["microsocks", "danted"], sanitizer=True)
def python(t, server):
    host = t.host()
    hello(t, host, t.run(PYTHON, CLIENTS + "/resolve.py", DNS4, host, "fetch", via=server))
    t.check(not t.dns.asked_by_client(), "the client has asked")


@case("node's dns.resolve (c-ares) and a connection to what it got")
def node(t):
    host = t.host()
    result = t.ok(t.run("node", CLIENTS + "/resolve.js", host))
    t.contains(result.out, f'A ["{fake(t, host)}"]')
    t.contains(result.out, "AAAA ENODATA")
    t.contains(result.out, "MX ENODATA")
    t.contains(result.out, f'PTR ["{host}"]')
    t.contains(result.out, "NONE ENOTFOUND")
    t.contains(result.out, f"hello {host} from ")
    t.reached(host)
    t.check(not t.dns.asked_by_client(), "the client has asked")


@case("aria2c (c-ares) fetches a page by name, once", sanitizer=True)
def aria2(t):
    host = t.host()
    t.ok(t.run("aria2c", "--async-dns=true", "--no-conf=true", "-q", "-o", "page",
               f"http://{host}/hello"))
    with open(t.folder + "/page", encoding="ascii") as page:
        t.contains(page.read(), f"hello {host} from ")
    t.reached(host)
    t.check(len([hit for hit in t.targets.hits if hit.service == "http"]) == 1,
            "more than one connection")
    t.check(not t.dns.asked_by_client(), "the client has asked")


@case("drill (ldns) {}gets an address of the table", each=["", "-t "])
def drill(t, option):
    host = t.host()
    result = t.ok(t.run("drill", *option.split(), f"@{DNS4}", host, **table(t)))
    t.contains(result.out, fake(t, host))
    t.contains(t.ok(t.run("drill", *option.split(), "-x", f"@{DNS4}", NO_NAME,
                          **table(t))).out, "NXDOMAIN")
    unheard(t)


@case("java's own resolver (JNDI) and a connection to what it got")
def java(t):
    host = t.host()
    result = t.ok(t.run("java", CLIENTS + "/Resolve.java", DNS4, host))
    t.contains(result.out, f"A: {fake(t, host)}\n")
    t.contains(result.out, f"hello {host} from ")
    t.reached(host)
    t.check(not t.dns.asked_by_client(), "the client has asked")


@case("getent answers as the nameserver does")
def getent(t):
    host = t.host()
    lines(t, [fake(t, host)], *DIG, "+short", host, "A")
    lines(t, [fake(t, host, "ahostsv6")], *DIG, "+short", host, "AAAA")
    unheard(t)


@case("busybox, which is static, cannot be carried and does not ask")
def busybox(t):
    result = t.run("busybox", "nslookup", t.host(), DNS4)
    t.check(result.code == 126, f"exit status {result.code}")
    unheard(t)


@case("a question is refused where the loopback {}", sanitizer=True,
      each=["is down", "has no IPv6 address"])
def without_loopback(t, what):
    change = ["ip", "link", "set", "lo", "down"] if what == "is down" else \
        ["ip", "-6", "addr", "del", "::1/128", "dev", "lo"]
    again = ["ip", "link", "set", "lo", "up"]
    server = DNS4 if what == "is down" else DNS6
    code = f"""import errno, os, socket, sys
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    for way in "connect", "sendto":
        sock = socket.socket(socket.{'AF_INET6' if ':' in server else 'AF_INET'}, kind)
        try:
            if way == "connect" or kind == socket.SOCK_STREAM:
                sock.connect(("{server}", 53))
            else:
                sock.sendto(b"x" * 20, ("{server}", 53))
            print("no error")
        except OSError as e:
            print(errno.errorcode[e.errno])"""
    t.ok(t.run(*change, via=None))
    try:
        result = t.ok(t.run(PYTHON, "-c", code, **table(t)))
    finally:
        t.ok(t.run(*again, via=None))
        t.run("ip", "-6", "addr", "add", "::1/128", "dev", "lo", via=None)
    t.check(result.out.split() == ["ENETUNREACH"] * 4, "not refused")
    t.contains(result.err, "socksify: refused: ")
    unheard(t)


TIES = [
    ("SO_BINDTODEVICE", "AF_INET", "SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0'"),
    ("IP_UNICAST_IF", "AF_INET", "IPPROTO_IP, 50, socket.htonl(socket.if_nametoindex('eth0'))"),
    ("IPV6_UNICAST_IF", "AF_INET6",
     "IPPROTO_IPV6, 76, socket.htonl(socket.if_nametoindex('eth0'))"),
]


@case("a socket that is tied to an interface by {0} asks nobody", each=TIES, sanitizer=True)
def tied(t, _, family, option):
    code = f"""import errno, socket
to = ("{DNS6 if family == 'AF_INET6' else DNS4}", 53)
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    sock = socket.socket(socket.{family}, kind)
    sock.setsockopt(socket.{option})
    for call in lambda: sock.sendto(b"x" * 20, to), lambda: sock.connect(to):
        try:
            call()
        except OSError as e:
            print(errno.errorcode[e.errno])"""
    # TCP does not look at the address of sendto()
    lines(t, ["ENETUNREACH", "ENETUNREACH", "EPIPE", "ENETUNREACH"], PYTHON, "-c", code,
          **table(t))
    unheard(t)


@case("a datagram that names an interface does not leave by it", sanitizer=True)
def packet_info(t):
    code = f"""import socket, struct
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
info = struct.pack("=I4s4s", socket.if_nametoindex("eth0"), bytes(4), bytes(4))
question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\\1a\\0\\0\\1\\0\\1"
sock.sendmsg([question], [(socket.IPPROTO_IP, 8, info)], 0, ("{DNS4}", 53))
data, _, _, peer = sock.recvmsg(512)
print(peer[0], socket.inet_ntoa(data[-4:]))"""
    lines(t, [f"{DNS4} {fake(t, 'a')}"], PYTHON, "-c", code)
    unheard(t)


@case("a socket that is bound to {0} gets its answers by UDP and TCP", sanitizer=True,
      each=[(CLIENT4, DNS4), (CLIENT6, DNS6)])
def bound(t, own, server):
    code = f"""import socket, struct
question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\\1a\\0\\0\\1\\0\\1"
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    sock = socket.socket(socket.{'AF_INET6' if ':' in own else 'AF_INET'}, kind)
    sock.settimeout(10)
    sock.bind(("{own}", 0))
    if kind == socket.SOCK_DGRAM:
        sock.sendto(question, ("{server}", 53))
        print(sock.recvfrom(512)[1][0])
    sock.connect(("{server}", 53))
    sock.send((b"" if kind == socket.SOCK_DGRAM else b"\\0\\x13") + question)
    print(sock.recv(512)[-4:] == socket.inet_aton("{fake(t, 'a')}"), sock.getsockname()[0])"""
    lines(t, [server, f"True {own}", f"True {own}"], PYTHON, "-c", code, **table(t))
    unheard(t)


@case("the log says once that questions are answered", sanitizer=True)
def logged(t):
    result = t.ok(t.run(*DIG, "+short", t.host(), options=["-v"]))
    t.check(result.err.count(f"questions to {DNS4}:53 are answered here") == 1, "not once")
    quiet = t.ok(t.run(*DIG, "+short", t.host()))
    t.check(not quiet.err, "something was said")
