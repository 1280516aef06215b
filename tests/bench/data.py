"""What goes over a connection that is there: the library has no part in it.

Two processes, one without and one with it, take turns, a slice of milliseconds each. They
and the server share one processor: where the kernel puts them otherwise counts for more
than all that is measured.
"""
import os
import statistics
import subprocess

import contest
import report

PAIRS = 500, 20
ONE_PROCESSOR = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
# In the order of data.c's digits; how many bytes or trips one is
WHAT = [(f"MB/s, {call}", 1048.576) for call in ("write", "send", "read", "recv")] + [
    (f"thousand trips/s, {calls}", 1) for calls in
    ("write, read", "send, recv", "send, poll, recv", "send, epoll_wait, recv")]


class Runner:
    """A process that has its tunnels, and measures when it is told to."""

    def __init__(self, world, who, port, name="data"):
        side = "libc" if who == "socksify" else "socks"
        self.process = subprocess.Popen(
            [*ONE_PROCESSOR, world.program(name), side, contest.ADDRESS, str(port)], bufsize=0,
            env=world.environment(who, port), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def measure(self, digit):
        """In nanoseconds."""
        self.process.stdin.write(b"%d" % digit)
        line = self.process.stdout.readline()
        if not line:
            raise contest.BenchError(f"{self.process.args[-4]} ended: status {self.process.wait()}")
        return int(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def race(runners, digit, pairs):
    """The times of each."""
    values = [[] for _ in runners]
    for number in range(pairs):
        turns = list(zip(runners, values))
        for runner, times in turns if number % 2 else reversed(turns):
            times.append(runner.measure(digit))
    return values


def data(world):
    names = ["by hand", "socksify"]
    pairs = world.rounds(*PAIRS)
    late = world.start(*ONE_PROCESSOR, world.program("late"), "127.0.0.1", "0",
                       stdout=subprocess.PIPE)
    port = int(late.stdout.readline())
    runners = [Runner(world, who, port) for who in names]
    rows = []
    for digit, (what, unit) in enumerate(WHAT):
        without, under = race(runners, digit, pairs)
        # ratios of speeds: of the times, the other way round
        rows.append([what, *(f"{unit * 1e6 / statistics.median(times):.1f}"
                             for times in (without, under)), str(report.Ratio(without, under))])
    for runner in runners:
        runner.end()
    report.table(f"data: over a tunnel that is there, {pairs} pairs", ["", *names, "ratio"], rows)
