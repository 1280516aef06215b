"""Many non-blocking connections at once, through a server whose answer takes its time.

The server is late.c; what each connection is told tells whether it is the right one. The
loop of each client turns between any two connections that it opens; a ticker in it shows
for how long it stood still. curl takes 300 at once at most, and the time of curl and aria2
has in it what it takes to start them; aria2 alone, without any proxy, takes seconds for
2000.
"""
import os
import resource
import shutil
import statistics
import subprocess
import time

import contest
import report

DELAY_MS = 200
FIRST_PORT = 40000
COUNTS = (50, 5), (500, 3), (2000, 3)   # connections, rounds
QUICK = ((50, 1),)
PEERS_UP_TO = 50        # they take DELAY_MS for each
SLOW_S = 5              # what takes as long is not measured again
LIMIT_S = 30
CURL_MAX = 300
FILES, USUAL_FILES = 8192, 1024
FOLDER = contest.SCRATCH + "/answers"


class Outcome:
    """Of one run. stall_ms None: it has no ticker."""

    def __init__(self, total_ns, stall_ns, right, wrong, missing):
        self.total_ms = int(total_ns) / 1e6
        self.stall_ms = None if stall_ns is None else int(stall_ns) / 1e6
        self.right, self.wrong, self.missing = int(right), int(wrong), int(missing)


def run(argv, env, files):
    """What it prints; None: it took too long."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        done = subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False, cwd=FOLDER,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard)))
    except subprocess.TimeoutExpired:
        return None
    if "ld.so: object" in done.stderr:
        raise contest.BenchError(f"{argv[0]}: {done.stderr.strip()}")
    return done.stdout


class Ticking:
    """One of ours, many.*; it says itself what came of it."""
    has_native = True

    def __init__(self, *command):
        self.command = command

    def measure(self, who, env, n, port, files):
        side = "socks" if who == "native" else "libc"
        out = run([*self.command, side, str(n), contest.ADDRESS, str(FIRST_PORT), str(port)],
                  env, files)
        if out is None:
            return None
        return Outcome(*(out.split() or (0, None, 0, 0, n)))


class Fetching:
    """A program that writes each answer into a file of FOLDER that is named by its port."""

    def measure(self, who, env, n, port, files):
        ports = range(FIRST_PORT, FIRST_PORT + n)
        shutil.rmtree(FOLDER)
        os.mkdir(FOLDER)
        argv = self.argv(who, ports, port)
        took_ns = -time.monotonic_ns()
        if run(argv, env, files) is None:
            return None
        took_ns += time.monotonic_ns()
        answers = [self.answer(p) for p in ports]
        right = sum(answer == f"{contest.ADDRESS} {p}\n" for p, answer in zip(ports, answers))
        missing = answers.count("")
        return Outcome(took_ns, None, right, n - right - missing, missing)

    @staticmethod
    def answer(port):
        try:
            with open(f"{FOLDER}/{port}", encoding="latin-1") as file:
                return file.read()
        except FileNotFoundError:
            return ""


class Curl(Fetching):
    has_native = True

    @staticmethod
    def argv(who, ports, proxy):
        native = ["--socks5-hostname", f"127.0.0.1:{proxy}"] if who == "native" else []
        return ["curl", "-q", "-s", "-Z", "--parallel-immediate", "--parallel-max",
                str(CURL_MAX), *native, "-o", f"{FOLDER}/#1",
                f"http://{contest.ADDRESS}:[{ports[0]}-{ports[-1]}]/"]


class Aria2(Fetching):
    has_native = False

    @staticmethod
    def argv(_, ports, __):
        with open(FOLDER + "/list", "w", encoding="ascii") as file:
            for port in ports:
                file.write(f"http://{contest.ADDRESS}:{port}/\n out={port}\n")
        return ["aria2c", "--no-conf", "-q", "-i", FOLDER + "/list", "-d", FOLDER,
                "-j", str(len(ports)), "-x1", "-s1", "--max-tries=1", "--timeout=60",
                "--file-allocation=none"]


def clients(world):
    """[(name, client)]"""
    there = [("C, epoll", Ticking(world.program("many"))),
             ("asyncio", Ticking("/usr/bin/python3", world.here + "/many.py")),
             ("node", Ticking("node", world.here + "/many.js")),
             ("curl -Z", Curl()), ("aria2c", Aria2())]
    for name, client in there[2:]:
        program = name.split()[0]
        if not shutil.which(program, path=contest.PATH):
            print(f"left out: {program} is not installed")
            there.remove((name, client))
    return there


def late(world, delay_ms=DELAY_MS):
    """The port of the server."""
    name = f"late{delay_ms}_port"
    if not hasattr(world, name):
        process = world.start(world.program("late"), "127.0.0.1", str(delay_ms),
                              stdout=subprocess.PIPE)
        setattr(world, name, int(process.stdout.readline()))
    return getattr(world, name)


def median(values, form="{:.0f}"):
    return form.format(statistics.median(values)) if values else "-"


def row(name, outcomes, native_ms):
    """outcomes: of the rounds; None: none that ended."""
    done = [o for o in outcomes if o]
    if not done:
        return [name, f"over {LIMIT_S} s", *"------"]
    total_ms = statistics.median(o.total_ms for o in done)
    sums = (sum(getattr(o, what) for o in done) for what in ("right", "wrong", "missing"))
    return [name, f"{total_ms:.0f}", f"{total_ms / DELAY_MS:.2f}",
            f"{total_ms / native_ms:.2f}" if native_ms else "-",
            median([o.stall_ms for o in done if o.stall_ms is not None], "{:.1f}"),
            *map(str, sums)]


def race(world, name, client, n, rounds, files):
    """The rows of one client."""
    port = late(world)
    names = (["native"] if client.has_native else []) + ["socksify"]
    outcomes = {who: [] for who in names}
    for _ in range(rounds):
        for who in names:
            if all(o and o.total_ms < SLOW_S * 1000 for o in outcomes[who]):
                outcomes[who].append(
                    client.measure(who, world.environment(who, port), n, port, files))
    if n <= PEERS_UP_TO and not world.quick:
        for who in world.peers():
            outcomes[who] = [client.measure(who, world.environment(who, port), n, port, files)]
    world.check()
    native = [o.total_ms for o in outcomes.get("native", ()) if o]
    native_ms = statistics.median(native) if native else None
    return [row(f"{name}, {who}", got, native_ms) for who, got in outcomes.items()]


def measure(world, there, n, rounds, files, more=""):
    rows = []
    for name, client in there:
        rows += race(world, name, client, n, rounds, files)
    report.table(f"async: {n} connections at once, the server answers after {DELAY_MS} ms{more}; "
                 f"{rounds} rounds",
                 ["", "total ms", f"to {DELAY_MS} ms", "to native", "stall ms", "right", "wrong",
                  "missing"], rows)


def at_once(world):
    os.makedirs(FOLDER, exist_ok=True)
    there = clients(world)
    for n, rounds in world.rounds(COUNTS, QUICK):
        measure(world, there, n, rounds, FILES)
    if not world.quick:
        measure(world, there[:2], 500, 3, USUAL_FILES, f", {USUAL_FILES} descriptors")
