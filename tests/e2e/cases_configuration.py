"""Files, rules and the environment."""
from cases_clients import PYTHON, hello
from cases_servers import CONNECT, fetch, no_secret
from servers import DEAD, PASSWORD, URLS, USER
from tap import case
from world import CLIENT4, CLIENT6, HOME, PROXY4, PROXY6, WEB4, WEB6

GOOD = f"[server good]\nurl = {URLS['microsocks']}\n"
PROXIES = {PROXY4, PROXY6}


def with_file(t, text, mode=0o644):
    """The options that make socksify read this configuration."""
    return {"via": (), "options": ["-f", t.file("socksify.conf", text, mode)]}


def one_direct(packet):
    return packet.dst in (WEB4, WEB6)


# ---- the environment


@case("the environment alone does what the command does: servers apart by {}",
      each=(("a space", " "), ("a comma", ",")), sanitizer=True)
def environment(t, _, separator):
    host = t.host()
    urls = separator.join([DEAD[0], URLS["microsocks"]])
    hello(t, host, fetch(t, host, via=(), how="environment", env={"SOCKSIFY_PROXY": urls}))


@case("the environment alone names a file: SOCKSIFY_CONF", sanitizer=True)
def environment_file(t):
    host = t.host()
    env = {"SOCKSIFY_CONF": t.file("socksify.conf", GOOD)}
    hello(t, host, fetch(t, host, via=(), how="environment", env=env))


@case("{} is used when nothing else says a server", each=("ALL_PROXY", "all_proxy"),
      sanitizer=True)
def all_proxy(t, name):
    host = t.host()
    url = URLS["microsocks"].replace("socks5:", "socks5h:")
    hello(t, host, t.run("wget", "-nv", "-O", "-", f"http://{host}/hello", via=(),
                         env={name: url}))


@case("-p comes before SOCKSIFY_PROXY, and that before ALL_PROXY", sanitizer=True)
def precedence(t):
    host = t.host()
    page = ["wget", "-nv", "-O", "-", f"http://{host}/hello"]
    env = {"SOCKSIFY_PROXY": DEAD[0], "ALL_PROXY": DEAD[1]}
    hello(t, host, t.run(*page, env=env))
    env["SOCKSIFY_PROXY"] = URLS["microsocks"]
    hello(t, host, t.run(*page, via=(), env=env))
    t.check({p.port for p in t.packets()} == {1080}, "another server was tried")


@case("without any setting the server is 127.0.0.1:1080", sanitizer=True)
def default_server(t):
    result = t.run(*CONNECT, t.host(), "80", via=())
    t.check(result.out == "error ENETUNREACH\n", "not ENETUNREACH")
    t.contains(result.err, "127.0.0.1:1080")
    t.check(not t.packets(), "something went over the wire")


@case("NO_PROXY adds direct rules", sanitizer=True)
def no_proxy(t):
    t.permit(one_direct)
    t.ok(fetch(t, WEB4, env={"NO_PROXY": f"example.org,{WEB4}"}))
    t.reached_from("http", {CLIENT4})
    t.check(not t.proxy_used(), "the server was used")


@case("the user's own file is found: {}", sanitizer=True,
      each=(("XDG_CONFIG_HOME", "XDG_CONFIG_HOME", ""), ("~/.config", "HOME", "/.config")))
def users_file(t, _, variable, below):
    t.file(f"home{below}/socksify/socksify.conf", GOOD)
    host = t.host()
    hello(t, host, fetch(t, host, via=(), env={"HOME": HOME, variable: t.folder + "/home"}))


@case("SOCKSIFY_LOG=none keeps the log quiet, debug names the target", sanitizer=True)
def log_level(t):
    quiet = t.run(*CONNECT, t.host(), "80", via=list(DEAD), env={"SOCKSIFY_LOG": "none"})
    t.check("socksify: " not in quiet.err, "there is a log")
    host = t.host()
    loud = fetch(t, host, via="microsocks-auth", env={"SOCKSIFY_LOG": "debug"})
    hello(t, host, loud)
    t.contains(loud.err, "socksify: ")
    t.contains(loud.err, host)
    no_secret(t)


# ---- rules


@case("rule: an IPv{} prefix goes direct", sanitizer=True,
      each=(("4", WEB4, CLIENT4, "203.0.113.0/24"), ("6", f"[{WEB6}]", CLIENT6, "2001:db8:f::/48")))
def direct_prefix(t, _, host, client, prefix):
    t.permit(one_direct)
    t.ok(fetch(t, host, **with_file(t, f"{GOOD}[rules]\ndirect = {prefix}\n")))
    t.reached_from("http", {client})
    t.check(not t.proxy_used(), "the server was used")


@case("rule: a name goes direct and is looked up here, another one is not", sanitizer=True)
def direct_name(t):
    direct, proxied = t.host("web4"), t.host("web4")
    t.permit(lambda packet: packet.question == direct or one_direct(packet))
    result = t.ok(t.run("curl", "-sS", f"http://{direct}/hello", f"http://{proxied}/hello",
                        **with_file(t, f"{GOOD}[rules]\ndirect = {direct}\n")))
    t.contains(result.out, f"hello {direct} from {CLIENT4}\n")
    t.contains(result.out, f"hello {proxied} from {PROXY4}\n")
    t.check(t.dns.peers_asking(direct) == {CLIENT4}, "the direct name was looked up elsewhere")
    t.resolved_remotely(proxied)


BLOCKS = [
    ("0.0.0.0/0:7", WEB4, 7), ("[2001:db8::]/32:7", WEB6, 7), ("*:7", WEB4, 7),
    ("*:7", "a name", 7), ("web-block.sx.test", "web-block.sx.test", 80),
    ("web-block.sx.test:8000-8100", "web-block.sx.test", 8080), ("*.sx.test", "a name", 80),
    ("sx.test", "a name", 80), ("203.0.113.0/24", "::ffff:" + WEB4, 80),
]


@case("rule: block {} stops {} port {} with EACCES", each=BLOCKS, sanitizer=True)
def block(t, condition, host, port):
    host = t.host() if host == "a name" else host
    result = t.run(*CONNECT, host, str(port),
                   **with_file(t, f"{GOOD}[rules]\nblock = {condition}\n"))
    t.check(result.out == "error EACCES\n", "not EACCES")
    t.check(not t.packets(), "something went over the wire")
    t.check(not t.dns.asked, "somebody has looked it up")


@case("rule: block {} lets {} port {} pass", sanitizer=True, each=(
    ("203.0.113.0/24:80", WEB4, 7), ("example.org", "a name", 7), ("*:8000-8100", "a name", 7),
    ("*.web.sx.test", "a name", 7), ("x.test", "a name", 7), ("198.18.0.0/15", "a name", 7)))
def not_blocked(t, condition, host, port):
    host = t.host() if host == "a name" else host
    result = t.run(*CONNECT, "--say", "hi", host, str(port),
                   **with_file(t, f"{GOOD}[rules]\nblock = {condition}\n"))
    t.check(result.out == "connected 'hi\\n'\n", "no echo")


@case("rule: the first match wins", sanitizer=True)
def first_match(t):
    rules = "[rules]\nproxy = 203.0.113.10/32\nblock = 203.0.113.0/24\n"
    t.ok(fetch(t, WEB4, **with_file(t, GOOD + rules)))
    t.reached(WEB4)
    result = t.run(*CONNECT, "203.0.113.11", "80", **with_file(t, GOOD + rules))
    t.check(result.out == "error EACCES\n", "not EACCES")


@case("rule: a pool serves the names it is given, the default pool the rest", sanitizer=True)
def pools(t):
    special, other = t.host("web4"), t.host("web4")
    conf = with_file(t, f"""[server one]
url = {URLS["microsocks"]}
[server two]
url = {URLS["danted"]}
[pool main]
servers = one
[pool second]
servers = two
[rules]
second = {special}
""")
    hello(t, other, fetch(t, other, **conf))
    t.check({p.port for p in t.packets()} == {1080}, "another server than the default pool's")
    t.lab.sniffer.clear()
    hello(t, special, fetch(t, special, **conf))
    t.check({p.port for p in t.packets()} == {1082}, "another server than the rule's pool's")


# ---- files


@case("apps/PROGRAM.conf is laid over the file for its program alone", sanitizer=True)
def application_file(t):
    t.file("apps/curl.conf", GOOD + "[pool main]\nservers = good\n")
    conf = with_file(t, f"[server dead]\nurl = {DEAD[0]}\n[pool main]\nservers = dead\n")
    host = t.host()
    hello(t, host, fetch(t, host, **conf))
    result = t.run(*CONNECT, t.host(), "80", **conf)
    t.check(result.out == "error ENETUNREACH\n", "not the main file's server")


@case("apps/PROGRAM.conf blocks what the file lets pass", sanitizer=True)
def application_rules(t):
    t.file("apps/curl.conf", "[rules]\nblock = *:80\n")
    host = t.host()
    t.check(fetch(t, host, **with_file(t, GOOD)).code != 0, "curl has succeeded")
    t.check(not t.packets(), "something went over the wire")


@case("a relative path of the file holds after the program has changed its folder",
      sanitizer=True)
def relative_path(t):
    t.file("conf/socksify.conf", GOOD)
    host = t.host()
    result = t.run("sh", "-c", f"cd / && curl -sS http://{host}/hello", via=(),
                   options=["-f", "conf/socksify.conf"])
    hello(t, host, result)


@case("all errors of a file are reported at once with path and line, exit status 125",
      sanitizer=True)
def errors(t):
    conf = with_file(t, "[defaults]\ndeadlin = 30s\nconnect_timeout = soon\n"
                        "[server one]\nurl = ftp://192.0.2.2:21\n"
                        "[rules]\nnowhere = 10.0.0.0/8\nblock = 10.0.0.0/40\n")
    result = t.run("echo", "started", **conf)
    t.check(result.code == 125, f"exit status {result.code}, not 125")
    t.check("started" not in result.out, "the program was started")
    for line in (2, 3, 5, 7, 8):
        t.contains(result.err, f"{conf['options'][1]}:{line}: ")


@case("a file that is not there is an error, exit status 125", sanitizer=True)
def missing_file(t):
    result = t.run("echo", "started", via=(), options=["-f", t.folder + "/none.conf"])
    t.check((result.code, result.out) == (125, ""), f"exit status {result.code}, not 125")
    t.contains(result.err, t.folder + "/none.conf")


@case("the library alone with a bad file fails closed and lets the program live",
      sanitizer=True)
def fails_closed(t):
    conf = t.file("socksify.conf", "[defaults]\ndeadlin = 30s\n")
    result = t.run(*CONNECT, t.host(), "80", via=(), how="environment",
                   env={"SOCKSIFY_CONF": conf})
    t.check(result.code == 0 and result.out.startswith("error E"), "no error from connect()")
    t.contains(result.err, f"{conf}:2: ")
    t.check(not t.packets(), "something went over the wire")


@case("a bad SOCKSIFY_PROXY fails closed with the library alone", sanitizer=True)
def bad_variable(t):
    result = t.run(*CONNECT, t.host(), "80", how="environment",
                   env={"SOCKSIFY_PROXY": "http:/nonsense"})
    t.check(result.code == 0 and result.out.startswith("error E"), "no error from connect()")
    t.contains(result.err, "SOCKSIFY_PROXY")
    t.check(not t.packets(), "something went over the wire")


# ---- passwords


def server_with_password(t, mode):
    secret = t.file("password", PASSWORD + "\n", mode)
    return f"[server s]\nurl = socks5://{PROXY4}:1081\nuser = {USER}\npassword_file = {secret}\n"


@case("a password file of mode {:o} {}", each=((0o600, "is read in silence"),
                                             (0o644, "is read and warned of")), sanitizer=True)
def password_file(t, mode, _):
    host = t.host()
    result = fetch(t, host, **with_file(t, server_with_password(t, mode)))
    hello(t, host, result)
    warned = any("socksify: " in line and t.folder + "/password" in line
                 for line in result.err.splitlines())
    t.check(warned == (mode == 0o644), "warned of" if warned else "not warned of")
    no_secret(t)


@case("a configuration that others can read and that holds a password is warned of",
      sanitizer=True)
def readable_configuration(t):
    host = t.host()
    text = f"[server s]\nurl = {URLS['microsocks-auth']}\n"
    result = fetch(t, host, **with_file(t, text, 0o644))
    hello(t, host, result)
    t.contains(result.err, t.folder + "/socksify.conf")
    silent = fetch(t, host, **with_file(t, text, 0o600))
    t.check("socksify: " not in silent.err, "warned of a private file")
    no_secret(t)


@case("a password does not appear with -v, nor in the command line of program or parent",
      sanitizer=True)
def secrecy(t):
    host = t.host()
    look = "cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\\0' '\\n'"
    result = t.run("sh", "-c", f"curl -sS http://{host}/hello && {look}", via="microsocks-auth",
                   options=["-v"])
    hello(t, host, result)
    t.contains(result.out, "curl -sS")
    t.contains(result.err, "socksify: ")
    no_secret(t)


@case("a broken URL with a password is reported without it, exit status 125", sanitizer=True)
def broken_url(t):
    result = t.run("echo", "started", via=URLS["microsocks-auth"] + "x")
    t.check((result.code, result.out) == (125, ""), f"exit status {result.code}, not 125")
    no_secret(t)


@case("a program that changes its root keeps its configuration", sanitizer=True)
def chroot(t):
    t.file("root/empty", "")
    code = f"""import encodings.idna, os, socket
os.chroot("{t.folder}/root")
sock = socket.create_connection(("{t.host()}", 7))
sock.send(b"hi")
print(sock.recv(9))"""
    result = t.ok(t.run(PYTHON, "-c", code, **with_file(t, GOOD)))
    t.check(result.out == "b'hi'\n", "no echo")
