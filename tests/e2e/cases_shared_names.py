"""Addresses of names that one process has looked up and another connects to."""
import os

from cases_clients import CLIENTS, PYTHON, hello
from cases_servers import CONNECT
from dns import ANY
from tap import case
from world import NOBODY, WEB4

CURL = ["curl", "-sS"]

# Looks HOST up, then in another image, in a child or as a daemon: fetches its page by the
# address alone. Says the address first.
NEXT = """
import os, socket, sys
def look_up(host):
    return socket.getaddrinfo(host, 80, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
def fetch(address):
    with socket.create_connection((address, 80)) as s:
        s.sendall(b"GET /hello HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" % host.encode())
        data = b""
        while more := s.recv(65536):
            data += more
    print(data.decode().rpartition("\\n\\r\\n")[2], flush=True)
how, host = sys.argv[1:3]
if how == "fetch":
    fetch(sys.argv[3])
elif how == "exec":
    os.execv(sys.executable, [sys.executable, sys.argv[3], "fetch", host, look_up(host)])
elif how == "exec without environment":
    os.execve(sys.executable, [sys.executable, sys.argv[3], "fetch", host, look_up(host)],
              {k: v for k, v in os.environ.items()
               if k.startswith(("SOCKSIFY", "LD_", "XDG_", "ASAN", "UBSAN"))})
elif how == "fork":
    address = look_up(host)
    if os.fork() == 0:
        fetch(address)
        os._exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
elif how == "from a child":
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, look_up(host).encode())
        os._exit(0)
    os.wait()
    fetch(os.read(read, 100).decode())
elif how == "daemon":
    read, write = os.pipe()
    if os.fork():
        os.write(write, look_up(host).encode())
        os._exit(0)
    os.close(write)
    os.setsid()
    address = b""
    while more := os.read(read, 100):  # until the parent is gone
        address += more
    fetch(address.decode())
"""


@case("a page is fetched by the address that getent {} has printed", sanitizer=True,
      each=["ahostsv4", "ahostsv6", "hosts"])
def shell(t, how):
    host = t.host()
    script = f"""addr=$(getent {how} {host} | cut -d' ' -f1 | head -n1)
        case $addr in *:*) addr="[$addr]";; esac
        curl -sS -H 'Host: {host}' "http://$addr/hello" """
    hello(t, host, t.run("sh", "-c", script))


@case("a page is fetched by the address that an earlier run has printed, through {0}",
      each=["microsocks", "danted"], sanitizer=True)
def runs(t, server):
    host = t.host()
    found = t.ok(t.run("getent", "ahostsv4", host))
    address = found.out.split()[0]
    t.check(not t.proxy_used(), "the server was spoken to for a lookup")
    hello(t, host, t.run(*CURL, "-H", "Host: " + host, f"http://{address}/hello", via=server))


@case("an address serves on: {0}", sanitizer=True, each=[
    "exec", "exec without environment", "fork", "from a child", "daemon"])
def next_process(t, how):
    host, script = t.host(), t.file("next.py", NEXT)
    hello(t, host, t.run(PYTHON, script, how, host, script))


@case("an address serves on without the command: {0}", each=["exec", "daemon"])
def next_process_environment(t, how):
    host, script = t.host(), t.file("next.py", NEXT)
    hello(t, host, t.run(PYTHON, script, how, host, script, how="environment"))


@case("an address of the pool that stands for nothing goes nowhere: {0}", sanitizer=True,
      each=["198.18.0.1", "198.18.0.0", "198.19.255.255", "fd53:6f63:6b73::c612:7777",
            "fd53:6f63:6b73::1"])
def nothing(t, address):
    result = t.run(*CONNECT, address, "80")
    t.check(result.out == "error EHOSTUNREACH\n", "not EHOSTUNREACH")
    t.check(not t.packets(), "something went out")


@case("an address of one user means nothing to another")
def other_user(t):
    host = t.host()
    address = t.ok(t.run("getent", "ahostsv4", host)).out.split()[0]
    copy = t.file("connect.py", open(CLIENTS + "/connect.py", encoding="utf-8").read())
    result = t.run(PYTHON, copy, address, "80", unprivileged=True)
    t.check(result.out == "error EHOSTUNREACH\n", "not EHOSTUNREACH")
    own = t.ok(t.run("getent", "ahostsv4", host, unprivileged=True)).out.split()[0]
    result = t.run(PYTHON, copy, "--say", "hi", own, "7", unprivileged=True)
    t.check(result.out == "connected 'hi\\n'\n", "not connected")
    t.check(os.stat(f"/tmp/socksify-{NOBODY}/names").st_uid == NOBODY, "not a file of the user")


@case("the file of names is opened by who needs it", sanitizer=True)
def lazy(t):
    folder = t.runtime() + "/socksify"
    t.ok(t.run("true"))
    t.check(os.listdir(folder) == ["state"], "a program without network made files")
    t.ok(t.run(*CONNECT, "--say", "hi", WEB4, "7"))
    t.check(os.listdir(folder) == ["state"], "a connection to an address needs no names")
    t.ok(t.run("getent", "hosts", t.host()))
    t.check(sorted(os.listdir(folder)) == ["names", "state"], "no file of names")
    kib = os.stat(folder + "/names").st_blocks / 2
    t.check(kib <= 64, f"{kib} KiB for one name")


@case("{0} file of names is left alone, and names work in the process", sanitizer=True,
      each=["a damaged", "a foreign"])
def unusable(t, kind):
    t.runtime()
    text = "sx_names" if kind == "a damaged" else "the diary of somebody"
    path = t.file("run/socksify/names", text, 0o600)
    host = t.host()
    hello(t, host, t.run(*CURL, f"http://{host}/hello", options=["-v"]))
    with open(path, encoding="ascii") as file:
        t.check(file.read() == text, "the file was changed")
    t.contains(t.results[-1].err, "names are not shared")


@case("the file of names may be deleted at any time", sanitizer=True)
def deleted(t):
    for _ in range(2):
        host = t.host()
        hello(t, host, t.run(*CURL, f"http://{host}/hello"))
        os.unlink(t.runtime() + "/socksify/names")


@case("8 processes of 8 threads share 5000 names while 20 of them are killed: {0}",
      each=["straight", "under socksify"])
def many(t, how):
    suffix = f".{t.number}{ANY}"
    probe = t.world.build + "/tests/probe/names_shared"
    if how == "straight":
        t.permit(lambda packet: True)
        port = t.target("echo_dest")
        result = t.run(probe, suffix, str(port), "--names", "500", via=None)
    else:
        server = t.knobd("connect=0", "echo_dest")
        result = t.run(probe, suffix, "7", "--every", "1", "--proxied", via=server.url())
    t.check(not result.code and not result.out, f"{result.code}: {result.out.strip()}")
    if how != "straight":
        t.check(not t.dns.asked_by_client(), "a name was looked up here")


@case("4 processes of 4 threads share 400 names while 6 of them are killed", sanitizer=True)
def some(t):
    server = t.knobd("connect=0", "echo_dest")
    result = t.run(t.world.build + "/tests/probe/names_shared", f".{t.number}{ANY}", "7",
                   "--proxied", "--names", "400", "--processes", "4", "--threads", "4",
                   "--kills", "6", via=server.url())
    t.check(not result.code and not result.out, f"{result.code}: {result.out.strip()}")
