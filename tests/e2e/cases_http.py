"""HTTP CONNECT: through tinyproxy, and through a knobd that answers as no real proxy does."""
from urllib.parse import quote

from cases_clients import hello
from cases_knobs import KINDS, WITH_USER, flags
from cases_servers import CONNECT, fetch
from servers import PLAIN_PASSWORD, URLS, USER
from tap import case
from targets import CA, CLOSED_PORT
from world import PROXY4, WEB4, WEB6

TINYPROXIES = ("tinyproxy", "tinyproxy-auth", "tinyproxy by IPv6")
AUTH_PORT = 1085
BANNER = "220 ready\r\n"
EARLY = "early=" + BANNER.encode().hex()
SHORT = "[defaults]\nreply_timeout = 200ms\n"
ONE_ROUND = "[defaults]\nattempts = 1\n"
ECHOED = f"connected {'hi' + chr(10)!r}\n"

# What the destination is said to be, by the status: nobody else is asked.
STATUSES = [
    (403, "EACCES"), (404, "EHOSTUNREACH"), (451, "EACCES"), (500, "ECONNREFUSED"),
    (502, "ECONNREFUSED"), (503, "ECONNREFUSED"), (504, "ETIMEDOUT"), (599, "ECONNREFUSED"),
]
# What the server says of itself: the next one is tried.
TURNED_AWAY = [
    (302, "EPROTO"), (400, "EPROTO"), (401, "EACCES"), (405, "EPROTO"), (407, "EACCES"),
    (408, "ETIMEDOUT"), (429, "ECONNREFUSED"), (501, "EPROTO"), (505, "EPROTO"), (600, "EPROTO"),
    (101, "EPROTO"),
]


def http(t, *knobs, credentials=""):
    """The URL of a knobd that speaks HTTP alone."""
    return t.knobd("version=http", *knobs).url("http", credentials)


def says(t, urls, kind="blocking", settings="", say="hi"):
    """What came of a connection to the echo through these servers."""
    options = ["-f", t.file("socksify.conf", settings)] if settings else []
    return t.run(*CONNECT, *flags(kind), "--say", say, WEB4, "7", via=urls, options=options)


def said(server):
    """The head of the first request."""
    return bytes.fromhex("".join(server.events("message")[0]["segments"])).decode()


def is_error(t, result, name):
    t.check(result.out == f"error {name}\n", f"not {name}")


@case("curl fetches a page by name through {}", each=TINYPROXIES, sanitizer=True)
def tinyproxy_name(t, server):
    host = t.host()
    result = fetch(t, host, via=server, options=["-vv"])
    hello(t, host, result)
    t.check(not t.dns.asked_by_client(), "a name was looked up here")
    t.check(PLAIN_PASSWORD not in result.out + result.err, "the password is in the log")


@case("curl fetches a page from an IPv6 address through {}", each=TINYPROXIES, sanitizer=True)
def tinyproxy_ipv6(t, server):
    t.ok(fetch(t, f"[{WEB6}]", via=server))
    t.reached(f"[{WEB6}]")


@case("curl fetches a page over TLS through tinyproxy", sanitizer=True)
def tinyproxy_tls(t):
    host = t.host()
    t.ok(t.run("curl", "-sS", "--cacert", CA, f"https://{host}/hello", via="tinyproxy"))
    t.reached(host, "https")


@case("tinyproxy: {0} is {2} for a blocking and a non-blocking socket", sanitizer=True, each=(
    ("a closed port", CLOSED_PORT, "ECONNREFUSED"),
    ("a name that does not exist", 80, "ECONNREFUSED")))
def tinyproxy_refuses(t, what, port, name):
    for kind in KINDS:
        host = WEB4 if port == CLOSED_PORT else t.host("nobody")
        is_error(t, t.run(*CONNECT, *flags(kind), host, str(port), via="tinyproxy"), name)
    t.check(t.proxy_used(), "the server was not asked")


@case("tinyproxy refuses a {} password: EACCES, and the next server is tried", sanitizer=True,
      each=("wrong", "missing"))
def tinyproxy_password(t, what):
    url = f"http://{USER + ':guess@' if what == 'wrong' else ''}{PROXY4}:{AUTH_PORT}"
    result = says(t, url, settings=ONE_ROUND)
    is_error(t, result, "EACCES")
    t.contains(result.err, "socksify: ")
    host = t.host()
    hello(t, host, fetch(t, host, via=[url, "tinyproxy"]))
    for result in t.results:
        t.check("guess" not in result.err, "the password is in the log")


@case("user and password arrive as Basic credentials, {} bytes of padding", sanitizer=True,
      each=(0, 1, 2))
def credentials(t, padding):
    user, password = "u ser%", "p:a@\N{LATIN SMALL LETTER SHARP S}" + "x" * (203 - padding)
    server = t.knobd("version=http", "connect=0", f"user={user}",
                     "password=" + password.encode().decode("latin-1"))
    length = len(f"{user}:{password}".encode())
    t.check(-length % 3 == padding, f"{length} bytes")
    escaped = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    t.check(says(t, server.url("http", escaped)).out == ECHOED, "no echo")
    t.check(len(server.events("user")) == 1, "not given once")


@case("no credentials, no header for them", sanitizer=True)
def no_credentials(t):
    server = t.knobd("version=http", "connect=0")
    t.check(says(t, server.url("http")).out == ECHOED, "no echo")
    head = said(server)
    t.check("authorization" not in head.lower(), "there is one")
    t.contains(head, f"CONNECT {WEB4}:7 HTTP/1.1\r\nHost: {WEB4}:7\r\n")


@case("status {} is {}: it is the destination's, no other server is asked", sanitizer=True,
      each=STATUSES)
def of_destination(t, status, name):
    server = t.knobd("version=http", f"status={status}")
    for kind in KINDS:
        is_error(t, says(t, [server.url("http"), URLS["microsocks"]], kind), name)
    t.check({p.port for p in t.packets()} == {server.port}, "another server was asked")


@case("status {} is {}: it is the server's, the next one is tried", sanitizer=True,
      each=TURNED_AWAY)
def of_server(t, status, name):
    url = http(t, f"status={status}")
    result = says(t, [url, URLS["microsocks"]])
    t.check(result.out == ECHOED, "the next one was not tried")
    t.contains(result.err, "socksify: server ")
    is_error(t, says(t, url, settings=ONE_ROUND), name)


@case("refused credentials (407) are said loudly, and the next server is tried", sanitizer=True)
def refused_credentials(t):
    url = http(t, "user=alice", "password=other", credentials=WITH_USER)
    result = says(t, [url, URLS["microsocks"]])
    t.check(result.out == ECHOED, "the next one was not tried")
    t.contains(result.err, "user and password missing or refused")
    t.check("guess" not in result.err, "the password is in the log")


@case("an answer {} is understood", sanitizer=True, each=(
    ("with status 200", "status=200"), ("with status 201", "status=201"),
    ("with status 299", "status=299"), ("of HTTP/1.0", "http=1.0"),
    ("with a head of 60 KiB", "fields=61000"),
    ("with a head of 60 KiB in small pieces", "fields=61000 split=997"),
    ("behind a 100", "interim=100"),
    ("behind 103, 102 and 103", "interim=103 interim=102 interim=103"),
    ("behind a 103, both long", "interim=103 fields=30000"), ("byte by byte, slowly", "dribble=3"),
    ("in segments of one byte", "split"), ("late", "delay_at=request:300")))
def understood(t, _, knobs):
    url = http(t, *knobs.split())
    for kind in KINDS:
        t.check(says(t, url, kind).out == ECHOED, "no echo")
    t.reached_from("echo", {PROXY4})


@case("what the destination says first is not lost, {}, {} socket", sanitizer=True,
      each=[(how, kind) for how in ("glued to the head", "glued to a head of 60 KiB",
                                    "behind a 103", "byte by byte") for kind in KINDS])
def early(t, how, kind):
    knobs = {"glued to a head of 60 KiB": ["fields=61000"], "behind a 103": ["interim=103"],
             "byte by byte": ["split"]}.get(how, [])
    result = says(t, http(t, "connect=0", EARLY, *knobs), kind)
    t.check(result.out == f"connected {BANNER + 'hi' + chr(10)!r}\n",
            "not the destination's bytes")


@case("a real destination that speaks first is heard through {}", sanitizer=True,
      each=("tinyproxy", "a proxy that glues its words to the head"))
def speaks_first(t, server):
    url = URLS.get(server) or http(t, "glue=10000")
    t.contains(t.ok(t.run(*CONNECT, "--say", "hi", WEB4, "2525", via=url)).out, "220 sx.test")


@case("{} is {}, in time", sanitizer=True, each=(
    ("a head without an end", "ETIMEDOUT", "reply_stall=40"),
    ("a status line without an end", "ETIMEDOUT", "reply_stall=11"),
    ("a head that grows without end, slowly", "ETIMEDOUT", "fields=61000 dribble=50"),
    ("no answer", "ETIMEDOUT", "silent_at=request"),
    ("a head over 64 KiB", "EPROTO", "fields=66000"),
    ("a head over 64 KiB with early bytes", "EPROTO", "fields=66000 connect=0 " + EARLY),
    ("interim answers over 64 KiB in all", "EPROTO",
     "fields=30000 interim=103" + " interim=102" * 1000),
    ("the end in the status line", "EPROTO", "reply_short=9"),
    ("the end in mid-head", "EPROTO", "reply_short=40"),
    ("the end right before the last byte of the head", "EPROTO", "fields=640 reply_short=682"),
    ("the end before any answer", "ECONNREFUSED", "close_at=request"),
    ("a reset before any answer", "ECONNREFUSED", "rst_at=request")))
def broken(t, _, name, knobs):
    url = http(t, *knobs.split())
    for kind in KINDS:
        is_error(t, says(t, url, kind, SHORT if name == "ETIMEDOUT" else ""), name)


@case("a SOCKS5 server that is spoken to in HTTP is EPROTO, and the next one is tried",
      sanitizer=True)
def other_protocol(t):
    url = URLS["microsocks"].replace("socks5:", "http:")
    result = says(t, [url, URLS["tinyproxy"]])
    t.check(result.out == ECHOED, "the next one was not tried")
    t.contains(result.err, "the server may speak SOCKS5")
    is_error(t, says(t, url, settings=ONE_ROUND), "EPROTO")


@case("the server gets {}", sanitizer=True, each=(
    ("an IPv4 address as one", WEB4, WEB4), ("a v4-mapped address as IPv4", "::ffff:" + WEB4, WEB4),
    ("an IPv6 address in brackets", WEB6, f"[{WEB6}]"),
    ("a name as it was given", "A-Name.example", "a-name.example")))
def destination(t, _, asked, seen):
    server = t.knobd("version=http", "connect=0")
    result = t.run(*CONNECT, "--say", "hi", asked, "4660", via=server.url("http"))
    t.check(result.out == ECHOED, "no echo")
    line = f"connect {seen}:4660 http/1.1\r\nhost: {seen}:4660\r\n"
    t.check(said(server).lower().startswith(line), f"it was told {said(server)!r}")
