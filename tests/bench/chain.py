"""A chain of three servers under many threads: does every connection pass all of them?

Each hop is a microsocks with an address of its own for what it accepts and what it
sends, so its log says where a connection came from and where it went. A connection
has passed a hop when it came from the hop before and went to the hop behind.
"""
import re

import contest
import report
from link import MORE, NEAR, TARGET, Link, needs_tun

RTTS_MS = 0, 10
THREADS, EACH = 30, (20, 2)
PORT = 1080
LIMIT_S = 600
CONFS = {
    "socksify": "[server a]\nurl = socks5://{0}:{port}\n"
                "[server b]\nurl = socks5://{1}:{port}\nvia = a\n"
                "[server c]\nurl = socks5://{2}:{port}\nvia = b\n"
                "[pool main]\nservers = c\n",
    "proxychains4": "strict_chain\n[ProxyList]\nsocks5 {0} {port}\nsocks5 {1} {port}\n"
                    "socks5 {2} {port}\n",
}
LINE = re.compile(r"client\[\d+\] ([\d.]+): connected to ([\d.]+):\d+$", re.M)


class Hop:
    def __init__(self, far, before, address, behind):
        self.way = before, behind
        self.daemon = far.start(f"hop {address}", "microsocks", "-i", address, "-b", address,
                                "-p", str(PORT))
        if reason := self.daemon.wait([(address, PORT)]):
            raise contest.BenchError(f"microsocks: {reason}")

    def passed(self):
        """Connections that went the right way, and all, since the last time."""
        with open(self.daemon.log, "r+", encoding="utf-8", errors="replace") as log:
            ways = LINE.findall(log.read())
            log.truncate(0)
        return ways.count(self.way), len(ways)


def environment(world, who):
    path = f"{contest.SCRATCH}/{who}-chain.conf"
    world.write(path, CONFS[who].format(*MORE, port=PORT))
    return world.under(who, path)


def measure(world, rtt_ms):
    each = world.rounds(*EACH)
    rows = []
    with Link(world, rtt_ms) as far:
        way = NEAR, *MORE, TARGET
        hops = [Hop(far, *three) for three in zip(way, way[1:], way[2:])]
        argv = [world.program("threads", "-pthread"), TARGET, far.echo(TARGET),
                str(THREADS), str(each)]
        for who in ["socksify"] + [p for p in world.peers() if p in CONFS]:
            out = contest.output(*argv, env=environment(world, who), timeout=LIMIT_S)
            carried, failed, ns = map(int, out.split())
            passed, seen = zip(*(hop.passed() for hop in hops))
            # No more than the least hop can have passed all
            passed_all = min(carried, *passed)
            rows.append([who, str(passed_all), str(carried - passed_all), str(failed),
                         " ".join(map(str, seen)), f"{ns / 1e9:.1f}"])
    report.table(f"chain: {THREADS} threads of {each} connections through three servers, "
                 f"{rtt_ms} ms away",
                 ["", "passed all", "passed fewer", "failed", "seen by each", "s"], rows)


@needs_tun
def chain(world):
    for rtt_ms in RTTS_MS:
        measure(world, rtt_ms)
