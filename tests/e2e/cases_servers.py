"""SOCKS servers of every kind, how they are named, and lists of them."""
from cases_clients import CLIENTS, PYTHON, hello
from context import endpoint
from servers import DEAD, PASSWORD, SILENT, URLS, USER
from tap import case
from world import PROXY4, PROXY6, WEB4, WEB6

CONNECT = [PYTHON, CLIENTS + "/connect.py"]
SECRETS = (PASSWORD, "p%40ss")


def fetch(t, host, **how):
    return t.run("curl", "-sS", f"http://{host}/hello", **how)


def no_secret(t):
    """No output of any program so far holds the password."""
    for result in t.results:
        for secret in SECRETS:
            t.check(secret not in result.out + result.err, "the password is in the output")


@case("{} serves at its IPv6 address", each=("microsocks6", "danted6", "ssh -D by IPv6"),
      sanitizer=True)
def ipv6_server(t, server):
    host = t.host()
    hello(t, host, fetch(t, host, via=server))


@case("a {} AF_INET socket reaches a server that has IPv6 alone", sanitizer=True,
      each=("blocking", "non-blocking"))
def families_cannot_meet(t, kind):
    flags = ["--nonblocking"] if kind == "non-blocking" else []
    result = t.ok(t.run(*CONNECT, *flags, "--family", "inet", "--say", "hi", WEB4, "7",
                        via="microsocks6"))
    t.check(result.out == "connected 'hi\\n'\n", "no echo")
    t.reached_from("echo", {PROXY4, PROXY6})


@case("a {} AF_INET6 socket reaches {} through a server with IPv4 alone", sanitizer=True,
      each=[(kind, what) for kind in ("blocking", "non-blocking")
            for what in ("an IPv6 address", "a v4-mapped address", "a name")])
def inet6_socket(t, kind, what):
    flags = ["--nonblocking"] if kind == "non-blocking" else []
    host = {"an IPv6 address": WEB6, "a v4-mapped address": "::ffff:" + WEB4,
            "a name": t.host("web6")}[what]
    result = t.ok(t.run(*CONNECT, *flags, "--family", "inet6", "--say", "hi", host, "7"))
    t.check(result.out == "connected 'hi\\n'\n", "no echo")
    t.reached_from("echo", {PROXY4, PROXY6})


@case("user and password are given to the server", sanitizer=True)
def right_password(t):
    host = t.host()
    hello(t, host, fetch(t, host, via="microsocks-auth"))
    no_secret(t)


@case("a {} password is refused with EACCES and a line in the log", sanitizer=True,
      each=("wrong", "missing"))
def wrong_password(t, what):
    credentials = f"{USER}:guess@" if what == "wrong" else ""
    result = t.run(*CONNECT, t.host(), "80", via=f"socks5://{credentials}{PROXY4}:1081")
    t.check(result.out == "error EACCES\n", "not EACCES")
    t.check(any(line.startswith("socksify: ") for line in result.err.splitlines()),
            "no line in the log")
    t.check("guess" not in result.err, "the password is in the log")
    t.check(not t.targets.hits, "a target was reached")


@case("a wrong password of the first server, and the next one serves", sanitizer=True)
def wrong_password_failover(t):
    host = t.host()
    result = fetch(t, host, via=[f"socks5://{USER}:guess@{PROXY4}:1081", "microsocks"])
    hello(t, host, result)
    t.contains(result.err, "socksify: ")


@case("SOCKS4 reaches an address through ssh -D", sanitizer=True)
def socks4(t):
    t.ok(fetch(t, WEB4, via="socks4://192.0.2.2:1083"))
    t.reached(WEB4)


@case("SOCKS4 does not reach a name, and does not look it up", sanitizer=True)
def socks4_name(t):
    host = t.host()
    result = fetch(t, host, via="socks4://192.0.2.2:1083")
    t.check(result.code != 0, "curl has succeeded")
    t.check(not t.dns.asked, "somebody has looked it up")


@case("SOCKS4a reaches a name through ssh -D", sanitizer=True)
def socks4a(t):
    host = t.host()
    hello(t, host, fetch(t, host, via="socks4a://192.0.2.2:1083"))


@case("socks5h:// is the same as socks5://", sanitizer=True)
def socks5h(t):
    host = t.host()
    hello(t, host, fetch(t, host, via=URLS["microsocks"].replace("socks5:", "socks5h:")))


@case("a server by host name with {}: its name alone is looked up here", sanitizer=True,
      each=(("both families", "socks"), ("IPv4 alone", "socks4"), ("IPv6 alone", "socks6")))
def server_by_name(t, _, kind):
    server, host = t.host(kind), t.host()
    t.permit(lambda packet: packet.question == server)
    hello(t, host, fetch(t, host, via=f"socks5://{server}:1080"))
    t.check({question.name for question in t.dns.asked_by_client()} == {server},
            "not the server's name alone was looked up")


@case("a server whose name does not exist is passed over", sanitizer=True)
def server_name_unknown(t):
    server, host = t.host("nobody"), t.host()
    t.permit(lambda packet: packet.question.startswith(server))
    hello(t, host, fetch(t, host, via=[f"socks5://{server}:1080", "microsocks"]))


@case("three servers are dead and the fourth serves: {} socket", sanitizer=True,
      each=("blocking", "non-blocking"))
def failover(t, kind):
    flags = ["--nonblocking"] if kind == "non-blocking" else []
    host = t.host()
    result = t.ok(t.run(*CONNECT, *flags, "--say", "hi", host, "7", via=[*DEAD, "microsocks"],
                        env={"SOCKSIFY_PIPELINE": "off"}))  # no probe beforehand
    t.check(result.out == "connected 'hi\\n'\n", "no echo")
    tried = [(p.dst, p.port) for p in t.packets()]
    t.check(tried == [endpoint(url) for url in (*DEAD, URLS["microsocks"])],
            "not each one was tried once, in the order given")


@case("an AF_INET socket goes from a dead IPv4 server to one with IPv6 and back", sanitizer=True)
def failover_families(t):
    dead6 = f"socks5://[{PROXY6}]:1099"
    t.endpoints.add(endpoint(dead6))
    host = t.host()
    hello(t, host, fetch(t, host, via=[DEAD[0], dead6, DEAD[1], "microsocks"]))


@case("a silent server is given up after connect_timeout and the next one serves",
      sanitizer=True)
def silent_server(t):
    conf = t.file("silent.conf", f"""[defaults]
connect_timeout = 500ms
[server silent]
url = {SILENT}
[server good]
url = {URLS["microsocks"]}
[pool main]
servers = silent, good
""")
    host = t.host()
    hello(t, host, fetch(t, host, via=(), options=["-f", conf]))


@case("all servers dead: {} connect fails with ENETUNREACH and a line in the log",
      each=("blocking", "non-blocking"), sanitizer=True)
def all_dead(t, kind):
    flags = ["--nonblocking"] if kind == "non-blocking" else []
    result = t.run(*CONNECT, *flags, t.host(), "80", via=list(DEAD))
    t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")
    t.contains(result.err, "socksify: ")


@case("all servers silent: connect fails with ETIMEDOUT at the deadline", sanitizer=True)
def all_silent(t):
    conf = t.file("silent.conf", f"[defaults]\ndeadline = 1s\n[server s]\nurl = {SILENT}\n")
    result = t.run(*CONNECT, t.host(), "80", via=(), options=["-f", conf])
    t.check(result.out == "error ETIMEDOUT\n", "not ETIMEDOUT")


@case("loopback is reached directly by {}", each=("localhost", "127.0.0.1", "::1"),
      sanitizer=True)
def loopback(t, host):
    code = """import socket, sys
family = socket.AF_INET6 if sys.argv[1] == "::1" else socket.AF_INET
server = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0),
                              family=family)
client = socket.create_connection((sys.argv[1], server.getsockname()[1]))
print("peer is", client.getpeername()[:2] == server.getsockname()[:2])"""
    result = t.ok(t.run(PYTHON, "-c", code, host))
    t.check(result.out == "peer is True\n", "not connected to the listener")
    t.check(not t.packets(), "something went over the wire")
