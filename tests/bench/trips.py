"""Round trips that it takes to open a tunnel, that of TCP to the server included."""
import re
import shutil
import statistics
import subprocess

import contest
import report
import servers
from link import FAR, PASSWORD, TARGET, USER, Link, needs_tun

RTT_MS = 50, 20         # and with --quick
CONNECTIONS = 9, 1      # of which the median counts, behind one that warms up
LIMIT_S = 20
CURL_NO_HTTP = 1        # its status: the echo of a request is no answer that it knows

AUTO = "socksify, pipeline = auto"
CONFS = {
    "socksify": "[defaults]\npipeline = {pipeline}\n"
                "[server s]\nurl = socks5://{credentials}{far}:{port}\n",
    "proxychains4": "strict_chain\n[ProxyList]\nsocks5 {far} {port} {pair}\n",
    "torsocks": "TorAddress {far}\nTorPort {port}\n{lines}",
}
# It waits for ever for a request that came with the greeting
STEP_BY_STEP = {"microsocks"}


def configured(far, who, server):
    """The environment of who in front of server."""
    name, _, pipeline = who.partition(", pipeline = ")
    lines = f"SOCKS5Username {USER}\nSOCKS5Password {PASSWORD}\n" if server.user else ""
    pair = f"{USER} {PASSWORD}" if server.user else ""
    text = CONFS[name].format(far=FAR, port=server.port, pipeline=pipeline, pair=pair, lines=lines,
                              credentials=server.credentials())
    path = servers.conf(far, f"{name}-{server.port}.conf", text)
    return far.world.under(name, path), path


def by_library(far, who, server, port):
    """Median of the times of connect(), in ms; server None: there is none."""
    world = far.world
    if server:
        env, conf = configured(far, who, server)
        if who == AUTO:
            # its verdict is what counts, and that stands in the shared state
            subprocess.run([world.command, "check", "-f", conf], env=env, check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=LIMIT_S)
    else:
        env = world.under(who)
    argv = [world.program("client"), str(world.rounds(*CONNECTIONS)), "libc",
            TARGET if server else FAR, port]
    return int(contest.output(*argv, env=env, timeout=LIMIT_S).split()[1]) / 1e6


def by_curl(far, server, port):
    """Until curl could send its request, in ms."""
    argv = ["curl", "-q", "-s", "-o", "/dev/null", "-w", "%{time_pretransfer}",
            "--socks5-hostname", f"{FAR}:{server.port}"]
    if server.user:
        argv += ["--proxy-user", f"{USER}:{PASSWORD}"]
    times = []
    for _ in range(far.world.rounds(*CONNECTIONS)):
        done = subprocess.run([*argv, f"http://{TARGET}:{port}/"], check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              timeout=LIMIT_S, env=far.world.under("nothing"))
        if done.returncode != CURL_NO_HTTP:
            raise contest.BenchError(f"curl: status {done.returncode}")
        times.append(float(done.stdout) * 1000)
    return statistics.median(times)


def knows_check(world):
    """Whether the command can find out what a server takes."""
    text = contest.output(world.command, "--help", env=world.under("nothing"))
    return re.search(r"^\s+check\b", text, re.M) is not None


def contestants(world):
    names = ["socksify, pipeline = on", AUTO, "socksify, pipeline = off", *world.peers()]
    if not knows_check(world):
        print("left out: pipeline = auto, the command knows no check")
        names.remove(AUTO)
    return names + (["curl"] if shutil.which("curl", path=contest.PATH) else [])


def cell(far, who, server, port):
    if who == "socksify, pipeline = on" and server.name in STEP_BY_STEP:
        return "-"
    try:
        took_ms = (by_curl(far, server, port) if who == "curl" else
                   by_library(far, who, server, port))
    except (contest.BenchError, subprocess.TimeoutExpired):
        return "fails"
    return f"{took_ms / far.rtt_ms:.1f}"


@needs_tun
def trips(world):
    with Link(world, world.rounds(*RTT_MS)) as far:
        there = servers.start(far)
        port, own_port = far.echo(TARGET), far.echo(FAR)
        rows = [[who, *(cell(far, who, server, port) for server in there)]
                for who in contestants(world)]
        direct = by_library(far, "nothing", None, own_port) / far.rtt_ms
        heads = [s.name + (", password" if s.user else "") for s in there]
        report.table(f"trips: round trips of {far.rtt_ms} ms until connect() is done; "
                     f"without a proxy {direct:.1f}", ["", *heads], rows)
