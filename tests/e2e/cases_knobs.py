"""A server that does what real ones will not: knobd.py. The errno values are those of
the errno table; where a server is tried in a list, the next one is the good one."""
from cases_clients import hello
from cases_servers import CONNECT, fetch
from servers import URLS
from tap import case
from world import WEB4

WITH_USER = "alice:guess@"
KINDS = ("blocking", "non-blocking")
REPLIES = [
    (1, "ECONNREFUSED"), (2, "EACCES"), (3, "ENETUNREACH"), (4, "EHOSTUNREACH"),
    (5, "ECONNREFUSED"), (6, "ETIMEDOUT"), (7, "ECONNREFUSED"), (8, "EHOSTUNREACH"),
    (9, "ECONNREFUSED"), (0xF0, "EHOSTUNREACH"), (0xF1, "EHOSTUNREACH"),
    (0xF2, "ECONNREFUSED"), (0xF3, "ETIMEDOUT"), (0xF4, "EACCES"), (0xF5, "EACCES"),
    (0xF6, "EHOSTUNREACH"), (0xF7, "ETIMEDOUT"), (0xFF, "ECONNREFUSED"),
]
SHORT_TIMES = "[defaults]\nhandshake_timeout = 300ms\nreply_timeout = 400ms\n"


def flags(kind):
    return ["--nonblocking"] if kind == "non-blocking" else []


def fails(t, name, *urls, kind="blocking", settings=""):
    """connect() through these servers fails with this errno."""
    options = ["-f", t.file("socksify.conf", settings)] if settings else []
    result = t.run(*CONNECT, *flags(kind), t.host(), "80", via=urls, options=options)
    t.check(result.out in [f"error {n}\n" for n in name.split("/")], f"not {name}")
    return result


@case("reply code {} is {}", each=REPLIES, sanitizer=True)
def reply_code(t, code, name):
    url = t.knobd(f"rep={code}").url()
    for kind in KINDS:
        fails(t, name, url, kind=kind)


@case("SOCKS4 reply code {} is {}", sanitizer=True,
      each=((91, "ECONNREFUSED"), (92, "EACCES"), (93, "EACCES"), (94, "EPROTO")))
def reply_code4(t, code, name):
    fails(t, name, t.knobd(f"rep={code}").url("socks4a"))


@case("the server {} at {}: connect fails with {}", sanitizer=True, each=[
    (verb, point, name) for verb, in_auth in (("closes", "EACCES"), ("resets", "EACCES/ECONNRESET"))
    for point, name in (("accept", "ECONNRESET"), ("greeting", "ECONNRESET"), ("auth", in_auth),
                        ("request", "ECONNREFUSED"))])
def breaks_off(t, verb, point, name):
    knob = {"closes": "close_at", "resets": "rst_at"}[verb]
    server = t.knobd(f"{knob}={point}", *(["method=2"] if point == "auth" else []))
    fails(t, name, server.url(credentials=WITH_USER))


@case("the server {} right behind its reply: the tunnel stood and ends", sanitizer=True,
      each=("closes", "resets"))
def breaks_off_late(t, verb):
    knob = {"closes": "close_at", "resets": "rst_at"}[verb]
    result = t.run(*CONNECT, WEB4, "80", via=t.knobd(f"{knob}=reply", "connect=0").url())
    t.check(result.out in ("connected ''\n", "error ECONNRESET\n"), "not the end of a tunnel")


@case("the server is silent at {}: ETIMEDOUT", each=("accept", "greeting", "auth", "request"),
      sanitizer=True)
def silent(t, point):
    server = t.knobd(f"silent_at={point}", *(["method=2"] if point == "auth" else []))
    fails(t, "ETIMEDOUT", server.url(credentials=WITH_USER), settings=SHORT_TIMES)


@case("a server with the fault {} is passed over", sanitizer=True,
      each=("close_at=accept", "rst_at=accept", "close_at=greeting", "rst_at=greeting",
            "silent_at=greeting", "wrong_version=greeting", "garbage", "method=255"))
def passed_over(t, knob):
    host = t.host()
    hello(t, host, fetch(t, host, via=[t.knobd(knob).url(), URLS["microsocks"]],
                         options=["-f", t.file("socksify.conf", SHORT_TIMES)]))


@case("the answer {} to a request is the destination's: no other server is asked",
      sanitizer=True, each=("rep=5", "close_at=request", "rst_at=request"))
def not_retried(t, knob):
    server = t.knobd(knob)
    fails(t, "ECONNREFUSED", server.url(), URLS["microsocks"])
    t.check({p.port for p in t.packets()} == {server.port}, "another server was asked")


@case("an answer with {} is {}", sanitizer=True, each=(
    ("a wrong version at the greeting", "EPROTO", "wrong_version=greeting"),
    ("a wrong version in the reply", "EPROTO", "wrong_version=request"),
    ("HTTP in it", "EPROTO", "garbage"),
    ("no acceptable method", "EACCES", "method=255"),
    ("a method nobody offered", "EACCES", "method=1"),
    ("two bytes of a refusal", "EACCES", "rep=2 reply_short=2"),
    ("four bytes of a refusal", "EHOSTUNREACH", "rep=4 reply_short=4")))
def nonsense(t, _, name, knobs):
    fails(t, name, t.knobd(*knobs.split()).url())


@case("user and password refused with status {} are EACCES", each=(1, 2, 255), sanitizer=True)
def refused_credentials(t, status):
    result = fails(t, "EACCES", t.knobd("method=2", f"reject_auth={status}").url(
        credentials=WITH_USER))
    t.contains(result.err, "socksify: ")
    t.check("guess" not in result.err, "the password is in the log")


@case("version byte 5 in the answer to user and password is accepted", sanitizer=True)
def auth_version(t):
    host = t.host()
    url = t.knobd("method=2", "auth_version=5").url(credentials=WITH_USER)
    hello(t, host, fetch(t, host, via=url))


@case("a server whose answers come {} is understood", sanitizer=True, each=(
    ("byte by byte, slowly", "dribble=30"), ("in segments of one byte", "split"),
    ("with a domain in the reply", "bnd=domain"), ("with an IPv6 address in it", "bnd=ipv6"),
    ("with an IPv4 address in it", "bnd=ipv4"), ("late", "delay_at=request:300"),
    ("only to whole messages in one segment", "strict_recv")))
def understood(t, _, knob):
    for kind in KINDS:
        host = t.host()
        result = t.ok(t.run(*CONNECT, *flags(kind), "--say", "hi", host, "7",
                            via=t.knobd(knob).url()))
        t.check(result.out == "connected 'hi\\n'\n", "no echo")
        t.resolved_remotely(host)


@case("a server that dribbles a byte a second does not outlast the deadline", sanitizer=True)
def dribble_deadline(t):
    fails(t, "ETIMEDOUT", t.knobd("dribble=1000").url(), settings="[defaults]\ndeadline = 2s\n")


@case("first bytes of the destination glued to the reply reach a {} socket", each=KINDS,
      sanitizer=True)
def glued(t, kind):
    early = b"220 early\r\n".hex()
    result = t.ok(t.run(*CONNECT, *flags(kind), "--say", "hi", WEB4, "7",
                        via=t.knobd("connect=0", "early=" + early).url()))
    t.check(result.out == f"connected {'220 early' + chr(13) + chr(10) + 'hi' + chr(10)!r}\n",
            "not the destination's bytes")


@case("the server gets {}", sanitizer=True, each=(
    ("an IPv4 address as one", WEB4, WEB4), ("a v4-mapped address as IPv4", "::ffff:" + WEB4, WEB4),
    ("an IPv6 address as one", "2001:db8:f::10", "2001:db8:f::10"),
    ("a name as it was given", "A-Name.example", "a-name.example")))
def destination(t, _, asked, seen):
    result = t.run(*CONNECT, "--say", "hi", asked, "4660",
                   via=t.knobd("connect=0", "echo_dest").url())
    t.contains(result.out.lower(), f"connected '{seen} 4660\\n")
