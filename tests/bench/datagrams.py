"""Datagrams through a relay, against a client that writes the headers by hand."""
import collections
import subprocess

import contest
import data
import report

PAIRS = 400, 20
# In the order of datagrams.c's digits
WHAT = ("round trip, send, recv", "round trip, sendto, recvfrom", "send", "sendto",
        "sendmmsg, 16 at once")
BATCHES = 4     # the digit
SLICES = 2, 12  # that are traced; the difference is counted
EACH = 200      # datagrams of a slice


def calls(world, who, port):
    """System calls for a datagram of a batch."""
    side = "libc" if who == "socksify" else "socks"
    names = []
    for n in SLICES:
        digits = contest.SCRATCH + "/digits"
        world.write(digits, str(BATCHES) * n)
        argv = ["sh", "-c", f'exec "$@" <{digits} >/dev/null', "sh",
                world.program("datagrams"), side, contest.ADDRESS, str(port)]
        names.append(collections.Counter(world.trace(world.environment(who, port), argv)))
    names[1].subtract(names[0])
    return sum(n for n in names[1].values() if n > 0) / (SLICES[1] - SLICES[0]) / EACH


def udp(world):
    names = ["by hand", "socksify"]
    pairs = world.rounds(*PAIRS)
    relay = world.start(*data.ONE_PROCESSOR, world.program("relay"), stdout=subprocess.PIPE)
    port = int(relay.stdout.readline())
    runners = [data.Runner(world, who, port, "datagrams") for who in names]
    rows = []
    for digit, what in enumerate(WHAT):
        without, under = data.race(runners, digit, pairs)
        rows.append([what, *(report.microseconds(times) for times in (without, under)),
                     str(report.Ratio(under, without))])
    for runner in runners:
        runner.end()
    if world.strace:
        rows.append(["system calls, sendmmsg", *(f"{calls(world, who, port):.2f}"
                                                 for who in names), ""])
    report.table(f"udp: datagrams of 1200 bytes, us each, {pairs} pairs",
                 ["", *names, "ratio"], rows)
