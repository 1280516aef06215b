"""A pool of two servers, of which the first takes packets and never answers."""
import subprocess
import tempfile
import time

import connect
import contest
import report
from link import needs_tun

PROCESSES = 50, 5
TIMEOUT_MS = 2000, 300
SILENT = "203.0.113.66"
DEVICE = "void0"        # nobody reads from it
CONFS = {
    "socksify": """[defaults]
connect_timeout = {timeout}ms
[server dead]
url = socks5://{dead}:1080
[server good]
url = socks5://127.0.0.1:{port}
[pool main]
servers = dead, good
""",
    "proxychains4": """dynamic_chain
tcp_connect_time_out {timeout}
tcp_read_time_out 15000
[ProxyList]
socks5 {dead} 1080
socks5 127.0.0.1 {port}
"""}


def make_silence():
    contest.output("ip", "-batch", "-", input=f"tuntap add mode tun name {DEVICE}\n"
                   f"link set {DEVICE} up\nroute add {SILENT}/32 dev {DEVICE}\n")


def environment(world, who, timeout_ms):
    """With a folder for the shared state in which nothing is known of the servers."""
    path = f"{contest.SCRATCH}/{who}-pool.conf"
    world.write(path, CONFS[who].format(dead=SILENT, port=world.proxy_port, timeout=timeout_ms))
    return world.under(who, path) | {"XDG_RUNTIME_DIR": tempfile.mkdtemp(dir=contest.SCRATCH)}


def start(world, env):
    """A process that connects once and prints how long that took."""
    argv = [world.program("client"), "0", "libc", contest.ADDRESS, connect.servers(world).port]
    return subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)


def took_ms(process):
    """None: it did not connect."""
    out, _ = process.communicate()
    return int(out.split()[0]) / 1e6 if process.returncode == 0 else None


def one_by_one(world, env, n):
    return [took_ms(start(world, env)) for _ in range(n)]


def at_once(world, env, n):
    return [took_ms(process) for process in [start(world, env) for _ in range(n)]]


def measure(world, title, how, n, timeout_ms):
    names = ["socksify"] + [p for p in world.peers() if p in CONFS]
    rows, base = [], None
    for who in names:
        env = environment(world, who, timeout_ms)
        total = -time.monotonic()
        times = how(world, env, n)
        total += time.monotonic()
        base = base or total
        done = [t for t in times if t is not None]
        waited = [i for i, t in enumerate(times) if t is not None and t > timeout_ms / 2]
        note = " (the first)" if waited == [0] else ""
        rows.append([who, f"{total:.2f}", f"{total / base:.1f}",
                     f"{len(done)}", f"{len(waited)}{note}"])
    report.table(f"pool: {n} processes {title}, the first server silent, time-out "
                 f"{timeout_ms / 1000} s", ["", "total s", "ratio", "connected", "waited"], rows)


@needs_tun
def pool(world):
    connect.servers(world)
    world.program("client")  # compiled before anything is timed
    n, timeout_ms = world.rounds(*PROCESSES), world.rounds(*TIMEOUT_MS)
    make_silence()
    try:
        measure(world, "one after another", one_by_one, n, timeout_ms)
        measure(world, "at once", at_once, n, timeout_ms)
    finally:
        contest.output("ip", "link", "del", DEVICE)
