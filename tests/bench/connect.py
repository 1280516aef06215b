"""Connections through a SOCKS5 server, and names."""
import collections
import socket
import subprocess

import contest
import report

ROUNDS = 150, 8
EACH = 100              # connections in a run of the client
TRACED = 10, 60         # and in two runs that are traced; the difference is counted
NAMES = 10, 1000, 130000
SIDES = {"direct": "libc", "by hand": "socks"}
NO_BLOCK = ", O_NONBLOCK"   # behind a name: with poll()


class Servers:
    """The server behind, and the microsocks in front of it, which alone knows NAME."""

    def __init__(self, world):
        echo = world.start(world.program("echo"), contest.ADDRESS, stdout=subprocess.PIPE)
        self.port = echo.stdout.readline().strip()
        hosts = contest.SCRATCH + "/hosts"
        world.write(hosts, f"127.0.0.1 localhost\n{contest.ADDRESS} {contest.NAME}\n")
        world.start("unshare", "--mount", "--", "sh", "-c",
                    'mount --bind "$0" /etc/hosts && exec microsocks -i 127.0.0.1 -p "$1"',
                    hosts, str(world.proxy_port), stdout=subprocess.DEVNULL)
        self.wait(world)

    @staticmethod
    def wait(world):
        while True:
            world.check()
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", world.proxy_port)) == 0:
                    return


def servers(world):
    if not hasattr(world, "servers"):
        world.servers = Servers(world)
    return world.servers


def client(world, who, host, n, port=None):
    """The environment and the command line of n connections."""
    name = who.removesuffix(NO_BLOCK)
    side = SIDES.get(name, "libc")
    argv = [world.program("client"), str(n), side if name == who else "nb-" + side,
            host, servers(world).port]
    if side == "socks":
        argv.append(str(port or world.proxy_port))
    return world.environment(name, port), argv


def check(world, who, host):
    """That who does go through the proxy: without one it must fail."""
    env, argv = client(world, who, host, 1, port=1)
    try:
        contest.output(*argv, env=env, timeout=20)
    except contest.BenchError:
        return
    raise contest.BenchError(f"{who}: connected without a proxy")


def calls(world, who, host):
    """System calls of one connection, by name."""
    few, many = (collections.Counter(world.trace(*client(world, who, host, n)))
                 for n in TRACED)
    many.subtract(few)
    return {name: n / (TRACED[1] - TRACED[0]) for name, n in many.items() if n > 0}


def run(world, who, host):
    env, argv = client(world, who, host, EACH)
    try:
        return contest.output(*argv, env=env)
    except contest.BenchError:
        world.check()
        raise


def race(world, names, host, rounds):
    """[name][what][round], what: first, median, cpu; all in nanoseconds."""
    values = {name: ([], [], []) for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            line = run(world, name, host)
            for column, number in zip(values[name], map(int, line.split())):
                column.append(number)
    return values


def measure(world, title, names, host):
    rounds = world.rounds(*ROUNDS)
    for name in names:
        if not name.startswith("direct"):
            check(world, name, host)
    values = race(world, names, host, rounds)
    base = values[names[0]]
    rows, lists = [], []
    for name in names:
        first, median, cpu = values[name]
        made = calls(world, name, host) if world.strace else None
        rows.append([name, report.microseconds(median), str(report.Ratio(median, base[1])),
                     report.microseconds(cpu), str(report.Ratio(cpu, base[2])),
                     report.microseconds(first),
                     report.count(sum(made.values()) if made else None)])
        if made:
            lists.append(f"    {name}: " + ", ".join(
                f"{call} {n:.3g}" for call, n in sorted(made.items(), key=lambda x: -x[1])))
    report.table(f"{title}, {rounds} rounds of {EACH} in one process",
                 ["", "wall us", "ratio", "cpu us", "ratio", "first us", "calls"], rows)
    if lists:
        print("\n    system calls of one, with socket() and close():")
        print("\n".join(lists))


def to_address(world):
    names = ["by hand", "socksify", "direct", *world.peers()]
    measure(world, "connect: connect() to an address", names, contest.ADDRESS)


def without_blocking(world):
    names = [who + NO_BLOCK for who in ("by hand", "socksify", "direct", *world.peers())]
    measure(world, "nbconnect: non-blocking connect() and poll()", names, contest.ADDRESS)


def to_name(world):
    # torsocks asks its proxy for addresses in a way that only Tor answers
    measure(world, "names: getaddrinfo() and connect()",
            ["by hand", "socksify", *(p for p in world.peers() if p != "torsocks")],
            contest.NAME)


def look_up(world):
    program = world.program("names", f"-I{world.here}/../../lib",
                            world.build + "/lib/libsocksify-core.a")
    rows = []
    for n in NAMES:
        runs = [contest.output(program, str(n), contest.SCRATCH).split()
                for _ in range(world.rounds(9, 3))]
        rows.append([str(n), *(sorted(column, key=int)[len(runs) // 2]
                               for column in zip(*runs))])
    report.table("table: a look-up in the fake-DNS table",
                 ["names", "new ns", "to address ns", "to name ns"], rows)
