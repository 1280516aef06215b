"""What a case gets as its argument t: run programs, then say what must hold.

    t.run(PROGRAM, ARG..., via="danted")    under socksify; the Result
    t.run(PROGRAM, ARG..., via=None)        without it
    t.host(), t.host("web6")                a name nobody has asked for yet
    t.check(CONDITION, "what is wrong")
    t.reached(HOST)                         the target was reached by a SOCKS server,
                                            and nobody else asked for its name
    t.permit(PREDICATE)                     packets that are no leak in this case

A case fails on the first thing that does not hold, and at its end if there was any
leak, a process was left in cli, or a sanitizer has reported something.
"""
import collections
import itertools
import os
import re
import shlex
import shutil
import subprocess
import time

import sniff
from dns import ZONE
from servers import DEAD, LISTENING, SILENT, URLS, Knobd, is_relay
from world import HOME, PATH, PROXY4, PROXY6, SCRATCH, WEB4, sh, write

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 60
GRACE = 5
SHOWN = 3000
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")
SERVERS = {PROXY4, PROXY6}

Result = collections.namedtuple("Result", "code out err command")


class Failure(Exception):
    """Something does not hold."""


def endpoint(url):
    """(address, port) of a server given by address."""
    address, port = url.rpartition("@")[2].rpartition("/")[2].rsplit(":", 1)
    return address.strip("[]"), int(port)


def sanitizer_preload(runtime):
    """What is preloaded into a program with this runtime; [] without one."""
    if not runtime:
        return []
    early = SCRATCH + "/early.so"
    sh("cc", "-shared", "-fPIC", "-Wl,-z,initfirst", "-o", early, f"{HERE}/clients/early.c")
    return [runtime, early]


def learned(world):
    """A folder with the state that `socksify check` leaves when it has asked all servers."""
    path = SCRATCH + "/learned"
    os.makedirs(path, 0o700)
    env = {"PATH": PATH, "HOME": HOME, "XDG_RUNTIME_DIR": path}
    urls = [arg for url in URLS.values() for arg in ("-p", url)]
    sh(*world.in_cli([world.command, "check", *urls], env, SCRATCH))
    return path


class Lab:
    """The world with everything running in it; what a case needs of it."""

    def __init__(self, world, targets, dns, daemons, sniffer, sanitizer=""):
        self.world, self.targets, self.dns = world, targets, dns
        self.daemons, self.sniffer = daemons, sniffer
        self.preload = sanitizer_preload(sanitizer)
        self.serial = itertools.count(1)
        self.learned = learned(world)


class Case:
    def __init__(self, lab):
        self.lab, self.world, self.targets, self.dns = lab, lab.world, lab.targets, lab.dns
        self.number = next(lab.serial)
        self.names = itertools.count(1)
        self.folder = f"{SCRATCH}/work/{self.number}"
        os.makedirs(self.folder)
        self.results, self.permitted, self.own = [], [], []
        self.endpoints = LISTENING | {endpoint(url) for url in (*DEAD, SILENT)}
        self.end = time.monotonic() + LIMIT
        lab.targets.clear()
        lab.dns.clear()
        lab.sniffer.clear()
        for daemon in lab.daemons:
            daemon.mark()

    # ---- what a case does

    def host(self, kind="web"):
        return f"{kind}-{self.number}-{next(self.names)}{ZONE}"

    def file(self, name, text, mode=0o644):
        return write(f"{self.folder}/{name}", text, mode)

    def knobd(self, *knobs):
        """A SOCKS server for this case alone that does what the knobs say; its Knobd."""
        server = Knobd(self.folder, PROXY4, *knobs)
        self.own.append(server)
        self.endpoints.add((PROXY4, server.port))
        return server

    def target(self, *knobs):
        """The port of a target for this case alone, on WEB4, that does what they say."""
        server = Knobd(self.folder, WEB4, "plain", *knobs)
        self.own.append(server)
        return server.port

    def permit(self, predicate):
        self.permitted.append(predicate)

    def runtime(self):
        """A folder for the state that the processes of this case share. What the servers
        can do is known in it; those of a case are spoken to step by step, and not probed."""
        path = self.folder + "/run"
        if not os.path.exists(path):
            shutil.copytree(self.lab.learned, path)
        return path

    def run(self, *argv, via="microsocks", options=(), env=None, how="command", stdin=None,
            unprivileged=False, dashes=True):
        """Run argv in cli. via: a server's name or URL, a list of them for a list of -p,
        () for socksify without any -p, None for no socksify at all. how="environment"
        preloads the library without the command; dashes: "--" before argv."""
        command, extra = list(argv), {}
        if via is not None:
            urls = [URLS.get(v, v) for v in ([via] if isinstance(via, str) else via)]
            command, extra = self.wrapped(argv, urls, options, how, unprivileged, dashes)
        full = {"PATH": PATH, "HOME": HOME, "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": self.runtime(),
                **({"SOCKSIFY_PIPELINE": "off"} if self.own else {}), **extra, **(env or {})}
        result = self.execute(command, full, stdin, unprivileged)
        self.results.append(result)
        if SANITIZER_REPORT.search(result.err):
            raise Failure("a sanitizer has reported an error")
        return result

    def wrapped(self, argv, urls, options, how, unprivileged, dashes):
        """(command, its environment) for argv under socksify"""
        preload = list(self.lab.preload)
        extra = dict(SANITIZER_OPTIONS) if preload else {}
        command = list(argv)
        if how == "environment":
            preload.append(self.world.library)
            if urls:
                extra["SOCKSIFY_PROXY"] = " ".join(urls)
        else:
            name = self.world.public_copy() if unprivileged else self.world.command
            servers = [arg for url in urls for arg in ("-p", url)]
            command = [name, *servers, *options, *(["--"] if dashes else []), *argv]
        if preload:
            extra["LD_PRELOAD"] = ":".join(preload)
        return command, extra

    def execute(self, command, env, stdin, unprivileged):
        shown = shlex.join([*(f"{k}={v}" for k, v in env.items()), *command])
        child = subprocess.Popen(
            self.world.in_cli(command, env, self.folder, unprivileged), text=True,
            errors="replace", stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = child.communicate(stdin, timeout=max(1, self.end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.world.sweep()
            out, err = child.communicate()
            self.results.append(Result("killed", out, err, shown))
            raise Failure(f"not finished after {LIMIT} s") from None
        return Result(child.returncode, out, err, shown)

    # ---- what a case says

    def check(self, condition, text):
        if not condition:
            raise Failure(text)

    def ok(self, result, code=0):
        self.check(result.code == code, f"exit status {result.code}, not {code}")
        return result

    def contains(self, text, part):
        self.check(part in text, f"{part!r} is not in the output")

    def reached(self, host, service="http"):
        self.reached_from(service, SERVERS)
        self.check(any(hit.host in (host, host + ":8080") for hit in self.targets.hits),
                   f"{host} was not asked for at the target")
        if host.endswith(ZONE):
            self.resolved_remotely(host)

    def reached_from(self, service, peers):
        seen = {hit.peer for hit in self.targets.hits if hit.service == service}
        self.check(seen, f"target {service} was not reached")
        self.check(seen <= peers, f"target {service} was reached from {seen}")

    def resolved_remotely(self, host):
        peers = self.dns.peers_asking(host)
        self.check(peers, f"nobody has asked for {host}")
        self.check(peers <= SERVERS, f"{host} was asked for by {peers}")

    def packets(self):
        return self.lab.sniffer.collect()

    def proxy_used(self):
        return any((p.dst, p.port) in self.endpoints for p in self.packets())

    # ---- the end

    def leak_test(self):
        """The function that says whether a packet is a leak."""
        own = {relay for server in self.own for relay in server.relays()}
        return lambda packet: sniff.is_leak(
            packet, self.endpoints, lambda *where: is_relay(*where) or where in own)

    def leaks(self):
        is_leak = self.leak_test()
        return [p for p in self.packets() if is_leak(p)
                and not any(allowed(p) for allowed in self.permitted)]

    def finish(self):
        """What must hold after every case."""
        end = time.monotonic() + GRACE
        while self.world.processes_in_cli() and time.monotonic() < end:
            time.sleep(0.01)
        left = self.world.sweep()
        self.check(not left, f"processes left behind: {left}")
        self.check(not self.leaks(), f"{len(self.leaks())} packets leaked")
        for daemon in self.lab.daemons:
            self.check(daemon.process.poll() is None,
                       f"{daemon.name} has ended: {daemon.process.returncode}")

    def close(self):
        for daemon in self.own:
            daemon.stop()
        self.world.sweep()

    def evidence(self):
        lines = []
        for result in self.results:
            lines += [f"$ {result.command}", f"exit status {result.code}"]
            for name, text in (("stdout", result.out), ("stderr", result.err)):
                lines += [f"{name}: {line}" for line in text[-SHOWN:].splitlines()]
        is_leak = self.leak_test()
        for packet in dict.fromkeys(self.packets()):
            leak = "LEAK " if is_leak(packet) else "proxy"
            lines.append(f"packet: {leak} {sniff.describe(packet)}")
        lines += [f"target: {hit.service} {hit.host} {hit.path} from {hit.peer}"
                  for hit in dict.fromkeys(self.targets.hits)]
        lines += [f"DNS: {q.name} {q.type} from {q.peer}" for q in dict.fromkeys(self.dns.asked)]
        for daemon in (*self.lab.daemons, *self.own):
            lines += [f"{daemon.name}: {line}" for line in daemon.news()[-SHOWN:].splitlines()]
        return "\n".join(lines)
