"""Real programs fetch by name, each through at least one real server."""
import hashlib
import os

from servers import MAIN, ssh_options
from tap import case
from targets import BANNER, BULK, CA, GIT_SUBJECT
from world import HOSTS_NAME, PROXY4, PROXY6, WEB4, WEB6

CLIENTS = os.path.dirname(os.path.abspath(__file__)) + "/clients"
PYTHON = "/usr/bin/python3"
MANY = 20


def hello(t, host, result):
    """The page came, through a SOCKS server."""
    t.ok(result)
    t.contains(result.out, f"hello {host} from ")
    t.reached(host)


@case("curl fetches a page through {}", each=MAIN, sanitizer=True)
def curl_http(t, server):
    host = t.host()
    hello(t, host, t.run("curl", "-sS", f"http://{host}/hello", via=server))


@case("curl fetches a page over TLS through {}", each=MAIN, sanitizer=True)
def curl_https(t, server):
    host = t.host()
    t.ok(t.run("curl", "-sS", "--cacert", CA, f"https://{host}/hello", via=server))
    t.reached(host, "https")


@case("curl -4 fetches a page through {}", sanitizer=True, each=MAIN)
def curl_ipv4(t, server):
    host = t.host("web4")
    hello(t, host, t.run("curl", "-sS", "-4", f"http://{host}/hello", via=server))


@case("curl fetches a page from an IPv{} address through {}", sanitizer=True,
      each=[(family, server) for family in "46" for server in MAIN])
def curl_literal(t, family, server):
    host = WEB4 if family == "4" else f"[{WEB6}]"
    t.ok(t.run("curl", "-sS", f"http://{host}/hello", via=server))
    t.reached(host)


@case("curl gets and sends 4 MB unharmed through {}", each=MAIN, sanitizer=True)
def curl_bulk(t, server):
    host = t.host()
    got = t.folder + "/bulk"
    t.ok(t.run("curl", "-sS", "-o", got, f"http://{host}/bulk", via=server))
    with open(got, "rb") as f:
        t.check(f.read() == BULK, "what came is not what was sent")
    sent = t.run("curl", "-sS", "--data-binary", "@" + got, f"http://{host}/post", via=server)
    t.contains(sent.out, hashlib.sha256(BULK).hexdigest())
    t.reached(host)


@case(f"curl fetches {MANY} names at once through {{}}", each=MAIN, sanitizer=True)
def curl_parallel(t, server):
    hosts = [t.host() for _ in range(MANY)]
    urls = [f"http://{host}/hello" for host in hosts]
    result = t.ok(t.run("curl", "-sS", "-Z", "--parallel-immediate", *urls, via=server))
    for host in hosts:
        t.contains(result.out, f"hello {host} from ")
        t.reached(host)


@case("curl keeps a name of the hosts file, and the connection goes through {}", each=MAIN,
      sanitizer=True)
def hosts_file(t, server):
    t.ok(t.run("curl", "-sS", f"http://{HOSTS_NAME}/hello", via=server))
    t.reached_from("http", {PROXY4, PROXY6})
    t.check(not t.dns.asked, "somebody asked the DNS server")


@case("wget fetches a page through {}", each=MAIN, sanitizer=True)
def wget_http(t, server):
    host = t.host()
    hello(t, host, t.run("wget", "-nv", "-O", "-", f"http://{host}/hello", via=server))


@case("wget fetches a page over TLS through {}", each=MAIN, sanitizer=True)
def wget_https(t, server):
    host = t.host()
    t.ok(t.run("wget", "-nv", "-O", "-", f"--ca-certificate={CA}", f"https://{host}/hello",
               via=server))
    t.reached(host, "https")


@case("python3's urllib fetches a page through {}", each=MAIN, sanitizer=True)
def python_urllib(t, server):
    host = t.host()
    hello(t, host, t.run(PYTHON, CLIENTS + "/fetch.py", "urllib", f"http://{host}/hello",
                         via=server))


@case(f"python3's asyncio fetches {MANY} names at once through {{}}", each=MAIN, sanitizer=True)
def python_asyncio(t, server):
    hosts = [t.host() for _ in range(MANY)]
    result = t.ok(t.run(PYTHON, CLIENTS + "/fetch.py", "asyncio", *hosts, via=server))
    for host in hosts:
        t.contains(result.out, f"hello {host} from ")
        t.reached(host)


@case("a {} socket gets a server's first words through {}", sanitizer=True,
      each=[(kind, server) for kind in ("blocking", "non-blocking") for server in MAIN])
def speaks_first(t, kind, server):
    host = t.host()
    flags = ["--nonblocking"] if kind == "non-blocking" else []
    result = t.ok(t.run(PYTHON, CLIENTS + "/connect.py", *flags, "--say", "hello", host, "2525",
                        via=server))
    t.check(result.out == f"connected {BANNER.decode() + 'you said hello' + chr(10)!r}\n",
            "not the words that were sent")
    t.reached_from("banner", {PROXY4, PROXY6})
    t.resolved_remotely(host)


HALF_CLOSE = """
import socket, sys
s = socket.create_connection((sys.argv[1], 7))
s.sendall(b'x' * 100000)
s.shutdown(socket.SHUT_WR)
n = 0
while data := s.recv(65536):
    n += len(data)
print(n)
"""


@case("the answer to a half-closed connection comes through {}", sanitizer=True,
      each=("danted", "ssh -D"))
def half_close(t, server):
    host = t.host("web4")
    t.check(t.ok(t.run(PYTHON, "-c", HALF_CLOSE, host, via=server)).out == "100000\n",
            "not all came back")
    t.resolved_remotely(host)


@case("node fetches pages by http and https at once through {}", each=MAIN)
def node(t, server):
    hosts = t.host(), t.host()
    result = t.ok(t.run("node", CLIENTS + "/fetch.js", CA, f"http://{hosts[0]}/hello",
                        f"https://{hosts[1]}/hello", via=server))
    for host, service in zip(hosts, ("http", "https")):
        t.contains(result.out, f"hello {host} from ")
        t.reached(host, service)


@case("git clones over http through {}", each=MAIN)
def git(t, server):
    host = t.host()
    t.ok(t.run("git", "clone", "-q", f"http://{host}/repo.git", "copy", via=server))
    log = t.ok(t.run("git", "-C", "copy", "log", "--format=%s", via=None))
    t.check(log.out == GIT_SUBJECT + "\n", "not the commit that was cloned")
    t.reached(host)


@case("ssh runs a command on another host through {}", each=MAIN)
def ssh(t, server):
    host = t.host()
    result = t.ok(t.run("ssh", *ssh_options(), f"root@{host}", "echo $SSH_CONNECTION",
                        via=server))
    t.check(result.out.split()[0] in (PROXY4, PROXY6), "sshd saw another client")
    t.resolved_remotely(host)


@case("java fetches with URLConnection and channels through {}", each=MAIN[:2])
def java(t, server):
    host = t.host()
    result = t.ok(t.run("java", CLIENTS + "/Fetch.java", host, via=server))
    for way in ("URL", "channel", "selector"):
        t.contains(result.out, f"{way} hello {host} from ")
    t.reached(host)


@case("bash fetches a page by /dev/tcp through {}", each=MAIN[:1])
def bash(t, server):
    host = t.host()
    hello(t, host, t.run("bash", CLIENTS + "/fetch.bash", host, via=server))


@case("perl fetches a page through {}", each=MAIN[:1])
def perl(t, server):
    host = t.host()
    hello(t, host, t.run("perl", CLIENTS + "/fetch.pl", host, via=server))
