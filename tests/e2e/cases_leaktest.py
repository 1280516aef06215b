"""socksify leaktest: its table is true, it sees what leaks, and it leaves nothing behind.

EXPECTED is what holds for each way of using the network; a case that expects something
else of a few says so in a dictionary of its own.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time

from context import GRACE
from tap import case
from world import HOME, PATH

CARRIED, REFUSED, LOCAL, LEAKS = "carried", "refused", "local", "leaks"
EXPECTED = {
    "tcp4": CARRIED,
    "tcp6": CARRIED,
    "tcp_mapped": CARRIED,
    "tcp_nonblock": CARRIED,
    "tcp_fastopen": CARRIED,
    "getaddrinfo": CARRIED,
    "gethostbyname": CARRIED,
    "getaddrinfo_a": LOCAL,
    "reverse": REFUSED,
    "res_query": LOCAL,
    "dns_udp": LOCAL,
    "dns_tcp": CARRIED,
    "dns_loopback": LOCAL,
    "udp_sendto": CARRIED,
    "udp_sendto6": CARRIED,
    "udp_connect": CARRIED,
    "udp_sendmsg": CARRIED,
    "udp_sendmmsg": CARRIED,
    "multicast": REFUSED,
    "broadcast": REFUSED,
    "ping": REFUSED,
    "raw": REFUSED,
    "packet": REFUSED,
    "fork": CARRIED,
    "socket_passed": CARRIED,
    "vfork_exec": CARRIED,
    "exec_empty": CARRIED,
    "spawn_empty": CARRIED,
    "shell_clearenv": CARRIED,
    "syscall_connect": CARRIED,
    "libc_symbol": CARRIED,
    "deepbind": CARRIED,
    "dlmopen": REFUSED,
    "static_launch": REFUSED,
    "static_child": REFUSED,
    "machine_code": LEAKS,
    "io_uring": REFUSED,
    "listen": LEAKS,
}
KNOWN_LIMITS = {"machine_code", "listen"}
NEVER_MADE = {"packet", "dlmopen", "static_child", "io_uring"}  # whatever the rules say
SYS_IO_URING_SETUP = 425
NO_IPV6 = {"tcp6": REFUSED}
NO_UDP = {way: REFUSED for way in EXPECTED if way.startswith("udp_")}
# a socket of IPv4 does not reach a relay that has IPv6 alone
NO_UDP4 = {way: result for way, result in NO_UDP.items() if way != "udp_sendto6"}
NO_NAMES = {"getaddrinfo": REFUSED, "gethostbyname": REFUSED}
SERVER = "socks5://192.0.2.77"
# Connecting takes longer than a probe may: no server, and many attempts.
SLOW = """[defaults]
attempts = 1000
backoff = 1s
[server s]
url = socks5://unix:/nowhere/at/all
"""
CHAIN = """[server a]
url = socks5://alice:secret@proxy.example.org
[server b]
url = http://[2001:db8:9::9]:3128
via = a
[server c]
url = socks5://inner.example.org
via = b
"""


def has_uring():
    fd = ctypes.CDLL(None).syscall(SYS_IO_URING_SETUP, 2, ctypes.create_string_buffer(256))
    if fd >= 0:
        os.close(fd)
    return fd >= 0


NEED = {  # what not every machine has
    "machine_code": os.uname().machine in ("x86_64", "aarch64"),
    "io_uring": has_uring(),
}


def expected(**others):
    return {way: result for way, result in {**EXPECTED, **others}.items() if NEED.get(way, True)}


def all_leak():
    """Without any library: a static program is still not run."""
    return expected(**{way: LEAKS for way in EXPECTED if way != "static_launch"})


def status_of(table):
    return 1 if any(r == LEAKS and way not in KNOWN_LIMITS for way, r in table.items()) else 0


def leaktest(t, *options, command=None, **how):
    return t.run(command or t.world.command, "leaktest", *options, via=None, **how)


def holds(t, result, table):
    """Its JSON is this table, and the exit status says whether anything leaks."""
    t.ok(result, status_of(table))
    report = json.loads(result.out)
    found = {row["way"]: row["result"] for row in report["ways"]}
    why = {row["way"]: row["why"] for row in report["ways"]}
    wrong = [f"{way}: {found.get(way)} ({why.get(way)}), not {table.get(way)}"
             for way in {**found, **table} if found.get(way) != table.get(way)]
    t.check(not wrong, "; ".join(wrong))
    limits = {row["way"] for row in report["ways"] if row["known_limit"]}
    t.check(limits == KNOWN_LIMITS & set(table), f"known limits: {limits}")
    leaking = {way for way, r in table.items() if r == LEAKS}
    t.check((report["leaks"], report["known_limits"])
            == (len(leaking - KNOWN_LIMITS), len(leaking & KNOWN_LIMITS)), "not their number")
    t.check(not t.packets(), "something went over the wire")
    return report


def copy(t, library):
    """The command and its probes in a place of their own, with another library; its path."""
    place = f"{t.folder}/copy"
    os.makedirs(place + "/lib")
    os.makedirs(place + "/cli")
    for name in os.listdir(t.world.build + "/cli"):
        if name.startswith("socksify") and os.path.isfile(f"{t.world.build}/cli/{name}"):
            shutil.copy2(f"{t.world.build}/cli/{name}", place + "/cli")
    shutil.copy2(library, place + "/lib/libsocksify.so")
    return place + "/cli/socksify"


@case("each way through {0} ends as expected", each=(
    ("a SOCKS5 server", SERVER, {}),
    ("a SOCKS5 server with a password", "socks5://alice:secret@192.0.2.77", {}),
    ("a server with a host name", "socks5://proxy.example.org:9999", {}),
    ("a server on the loopback", "socks5://127.0.0.1:9050", {}),
    ("a server on an IPv6 address", "socks5://[2001:db8:7::7]", NO_UDP4),
    ("a server where the targets would be", "socks5://203.0.113.10:443", {}),
    ("a SOCKS4 server", "socks4://192.0.2.77", {**NO_IPV6, **NO_NAMES, **NO_UDP}),
    ("a SOCKS4A server", "socks4a://192.0.2.77", {**NO_IPV6, **NO_UDP}),
    ("an HTTP server", "http://alice:secret@192.0.2.77:8080", NO_UDP)))
def ways(t, _, url, others):
    report = holds(t, leaktest(t, "--json", "-p", url), expected(**others))
    t.check(report["notes"] == [], "a note")


@case("each way through a chain of servers ends as expected")
def chain(t):
    conf = t.file("socksify.conf", CHAIN, 0o600)
    holds(t, leaktest(t, "--json", "-f", conf), expected(**NO_UDP))


@case("each way through a unix socket ends as expected, and its owner is not asked")
def unix(t):
    path = f"{t.folder}/socket"
    owner = subprocess.Popen(["/usr/bin/python3", "-c", f"""import socket
own = socket.socket(socket.AF_UNIX)
own.bind({path!r})
own.listen()
print("ready", flush=True)
own.accept()"""], stdout=subprocess.PIPE, text=True)
    try:
        t.check(owner.stdout.readline() == "ready\n", "no socket")
        holds(t, leaktest(t, "--json", "-p", f"socks5://unix:{path}"), expected(**NO_UDP))
        t.check(owner.poll() is None, "its owner was asked")
    finally:
        owner.kill()
        owner.communicate()


@case("an unprivileged user gets the same table")
def unprivileged(t):
    command = copy(t, t.world.library)
    os.chmod(t.folder, 0o755)
    holds(t, leaktest(t, "--json", "-p", SERVER, command=command, unprivileged=True), expected())


@case("with a library that does nothing, every way leaks")
def no_library(t):
    command = copy(t, t.world.build + "/cli/socksify-probe.so")
    report = holds(t, leaktest(t, "--json", "-p", SERVER, command=command), all_leak())
    seen = {row["way"]: row["why"] for row in report["ways"]}
    kinds = {"tcp6": "tcp", "getaddrinfo": "tcp", "res_query": "dns", "dns_tcp": "dns",
             "dns_loopback": "dns", "udp_connect": "udp", "broadcast": "udp", "raw": "icmp",
             "packet": "ip", "listen": "inbound"}
    wrong = {way: seen[way] for way, kind in kinds.items() if seen[way] != kind}
    t.check(not wrong, f"seen as something else: {wrong}")


@case("a root without the power to make namespaces makes them as a user")
def weak_root(t):
    result = t.run("setpriv", "--bounding-set=-sys_admin", t.world.command, "leaktest", "--json",
                   "-p", SERVER, via=None)
    holds(t, result, expected())


@case("a rule that sends everything direct is told, and everything leaks")
def all_direct(t):
    conf = t.file("socksify.conf", f"[server s]\nurl = {SERVER}\n[rules]\ndirect = *\n")
    report = holds(t, leaktest(t, "--json", "-f", conf),
                   {**all_leak(), **{way: REFUSED for way in NEVER_MADE if way in all_leak()}})
    t.check(any("by the rule * (" in note and "socksify.conf:4" in note
                for note in report["notes"]), "the rule is not told")


@case("rules that send the usual targets direct are gone around")
def other_targets(t):
    conf = t.file("socksify.conf", f"[server s]\nurl = {SERVER}\n[rules]\n"
                  "direct = 203.0.113.0/24, 2001:db8:f::/48, *.invalid, :443, 224.0.0.0/24\n")
    holds(t, leaktest(t, "--json", "-f", conf), expected())


@case("--app: a program with a configuration of its own")
def app(t):
    conf = t.file("socksify.conf", f"[server s]\nurl = {SERVER}\n")
    os.makedirs(t.folder + "/apps")
    t.file("apps/curl.conf", "[rules]\nblock = *\n")
    report = json.loads(leaktest(t, "--json", "-f", conf, "--app", "curl").out)
    found = {row["way"]: row["result"] for row in report["ways"]}
    t.check((found["tcp4"], found["fork"]) == (REFUSED, REFUSED), "not blocked")
    holds(t, leaktest(t, "--json", "-f", conf, "--app", "wget"), expected())
    t.contains(t.ok(leaktest(t, "--app", "a/b"), 125).err, "--app")


@case("the table for people says the same, with known limits as such")
def table(t):
    result = leaktest(t, "-p", SERVER)
    t.ok(result, status_of(expected()))
    rows = {line.split("  ")[0].strip(): line for line in result.out.splitlines()}
    t.check(" carried " in rows["TCP, IPv4"], "TCP is not carried")
    t.check(" refused " in rows["static program"], "a static program is run")
    t.check(rows["listening: called from outside"].endswith("known limit"), "not a known limit")
    limits = len(KNOWN_LIMITS & set(expected()))
    t.contains(result.out.splitlines()[-1], f"{limits} known limits.")


@case("a server that cannot be played is told")
def not_played(t):
    url = "socks5://unix:/nowhere/at/all"
    conf = t.file("socksify.conf", f"[server there]\nurl = {SERVER}\n[server gone]\nurl = {url}\n")
    report = holds(t, leaktest(t, "--json", "-f", conf), expected())
    t.check(len(report["notes"]) == 1 and "server gone is not played" in report["notes"][0],
            "not told")


@case("nothing is learned of the servers that are played")
def state(t):
    path = t.runtime() + "/socksify/state"

    def content():
        with open(path, "rb") as f:
            return f.read()
    before = content()
    t.ok(leaktest(t, "-p", SERVER), status_of(expected()))
    t.check(content() == before, "the state has changed")
    t.check(not os.path.exists("/tmp/socksify-0"), "a folder is left in /tmp")


@case("without namespaces it says so in one line")
def no_namespaces(t):
    script = ("echo 0 >/proc/sys/user/max_user_namespaces && "
              f"exec setpriv --bounding-set=-all {t.world.command} leaktest")
    result = t.run("unshare", "--user", "--map-root-user", "sh", "-c", script, via=None)
    t.ok(result, 125)
    t.contains(result.err, "needs root or unprivileged user namespaces")
    t.check(result.err.count("\n") == 1 and not result.out, "not one line")


def processes():
    """The probes that run now."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if b"socksify-probe" in f.read():
                    found.append(pid)
        except OSError:
            continue
    return found


def until(condition):
    end = time.monotonic() + 4 * GRACE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@case("{} while it works: nothing is left", each=("SIGINT", "SIGTERM", "SIGKILL"))
def ended(t, name):
    number = getattr(signal, name)
    conf = t.file("socksify.conf", SLOW)
    env = {"PATH": PATH, "HOME": HOME}
    child = subprocess.Popen(
        t.world.in_cli([t.world.command, "leaktest", "-f", conf], env, t.folder))
    try:
        t.check(until(processes), "no probe is running")
        child.send_signal(number)
        t.check(child.wait(GRACE) == -number, "it did not end by the signal")
        if number == signal.SIGKILL:
            os.rmdir("/tmp/socksify-0")  # nobody is there to do it
            t.check(until(lambda: not processes()), "probes are left")
        t.check(not processes(), "probes are left")
        t.check(not os.path.exists("/tmp/socksify-0"), "a folder is left in /tmp")
    finally:
        child.kill()
        child.wait()


@case("an address that the room gets can be used at once")
def address(t):
    result = t.ok(t.run(f"{t.world.build}/tests/probe/leak_link", via=None))
    t.check(not result.out, "it could not")
