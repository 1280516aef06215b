"""Another host, behind a link that takes its time.

    near  198.51.100.1 == delay.c == 198.51.100.2  far
                                     198.51.100.11, .12, ..  more of its addresses
                                     203.0.113.10            its target

near is the network namespace that run has entered, and has no route to the target:
what gets there went through a server. All of far ends with the link.
"""
import functools
import os
import subprocess
import time

import contest

NEAR, FAR, TARGET = "198.51.100.1", "198.51.100.2", "203.0.113.10"
MORE = tuple(f"198.51.100.{n}" for n in (11, 12, 13))
USER, PASSWORD = "alice", "bench"
START_S = 20
# What a daemon starts ends with it
OWN_PIDS = ["unshare", "--pid", "--fork", "--kill-child", "--"]

# danted asks the system for passwords: crypt() of PASSWORD
HASH = "$6$bench$y/IHGvgzdQp.8kT6YX2I6sPlhs74T0HhO7VF3q8tnN1hUHK6h5mU" \
       ".ej9wW36eivXu.RKz1UwYrO1w4.fIM6Mv0"
ETC = {
    "passwd": f"root:x:0:0:root:{contest.SCRATCH}/home:/bin/sh\n"
              "sshd:x:104:65534::/run/sshd:/usr/sbin/nologin\n"
              "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
              f"{USER}:x:1000:65534::/:/usr/sbin/nologin\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "shadow": f"root:*:19000:0:99999:7:::\n{USER}:{HASH}:19000:0:99999:7:::\n",
}
NEAR_ADDRESSES = f"""
addr add {NEAR} peer {FAR} dev near0
link set near0 up
""" + "".join(f"route add {address} via {FAR}\n" for address in MORE)
FAR_ADDRESSES = f"""
link set lo up
addr add {FAR} peer {NEAR} dev far0
addr add {TARGET}/32 dev lo
link set far0 up
""" + "".join(f"addr add {address}/32 dev lo\n" for address in MORE)


TUN = "/dev/net/tun"


def needs_tun(section):
    """A section that is left out where there are no TUN devices."""
    @functools.wraps(section)
    def guarded(world):
        try:
            os.close(os.open(TUN, os.O_RDWR))
        except OSError as error:
            print(f"left out: {section.__name__}: {TUN}: {error.strerror}")
            return
        section(world)
    return guarded


class Daemon:
    """A program in far. log: the path of what it says."""

    def __init__(self, name, log, process):
        self.name, self.log, self.process = name, log, process

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            return (lines.read().strip().splitlines() or ["it said nothing"])[-1]

    def is_listening(self, endpoints):
        """Whether somebody listens at all (address, port) pairs."""
        try:
            with open(f"/proc/{self.process.pid}/net/tcp", encoding="ascii") as lines:
                taken = {f[1] for f in map(str.split, lines) if f[3] == "0A"}
        except OSError:
            return False
        return all(proc_form(*endpoint) in taken for endpoint in endpoints)

    def wait(self, endpoints):
        """None when it listens, else why it does not."""
        end = time.monotonic() + START_S
        while not self.is_listening(endpoints):
            if self.process.poll() is not None:
                return self.last_words()
            if time.monotonic() > end:
                return f"it does not listen: {self.last_words()}"
            time.sleep(0.005)
        return None


def proc_form(address, port):
    """An endpoint as /proc/net/tcp writes it."""
    return "".join(f"{int(n):02X}" for n in reversed(address.split("."))) + f":{port:04X}"


class Link:
    """Used in a with statement. rtt_ms: the round trip, without what the hosts take."""

    def __init__(self, world, rtt_ms):
        self.world, self.rtt_ms = world, rtt_ms
        self.processes, self.fds = [], []

    def __enter__(self):
        try:
            self.make_far()
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """The devices go with delay, the namespaces with the last process in them."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        for fd in self.fds:
            os.close(fd)
        self.processes, self.fds = [], []

    def make_far(self):
        """Its namespaces are held by two descriptors."""
        mounts = ""
        for name, text in ETC.items():
            self.world.write(f"{contest.SCRATCH}/{name}", text)
            mounts += f"mount --bind {contest.SCRATCH}/{name} /etc/{name} && "
        with subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c",
                               mounts + "echo ready && exec cat"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            if holder.stdout.readline() != "ready\n":
                raise contest.BenchError("no namespace for the other host")
            for name in ("net", "mnt"):
                self.fds.append(os.open(f"/proc/{holder.pid}/ns/{name}", os.O_RDONLY))

    def connect(self):
        net = f"/proc/{os.getpid()}/fd/{self.fds[0]}"
        delay = self.run(self.world.program("delay"), str(self.rtt_ms * 500), "near0", "far0", net,
                         stdout=subprocess.PIPE)
        if delay.stdout.readline() != "ready\n":
            raise contest.BenchError("no link to the other host")
        contest.output("ip", "-batch", "-", input=NEAR_ADDRESSES)
        contest.output(*self.enter(), "ip", "-batch", "-", input=FAR_ADDRESSES)

    def enter(self):
        """The command prefix that takes a program to far."""
        fds = f"/proc/{os.getpid()}/fd"
        return ["nsenter", f"--net={fds}/{self.fds[0]}", f"--mount={fds}/{self.fds[1]}", "--"]

    def run(self, *argv, **options):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, text=True, **options)
        self.processes.append(process)
        return process

    def start(self, name, *argv):
        """A Daemon in far."""
        log = f"{contest.SCRATCH}/{name.replace(' ', '')}.log"
        with open(log, "ab") as out:
            out.truncate(0)
            process = self.run(*self.enter(), *OWN_PIDS, *argv, stdout=out, stderr=out, cwd="/",
                               env={"PATH": contest.PATH, "HOME": contest.SCRATCH + "/home"})
        return Daemon(name, log, process)

    def echo(self, address):
        """An echo server in far; its port."""
        echo = self.run(*self.enter(), self.world.program("echo"), address,
                        stdout=subprocess.PIPE)
        port = echo.stdout.readline().strip()
        if not port:
            raise contest.BenchError(f"no server on {address} at the far end")
        return port
