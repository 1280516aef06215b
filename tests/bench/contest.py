"""Who takes part, with which environment, and the place where they meet.

The place is the network namespace that run has entered: a loopback device with one
address more, ADDRESS, for the server that is connected to. It is no loopback address,
so that the built-in rules send it through the proxy. SCRATCH is a file system that
goes with the mount namespace.
"""
import glob
import json
import os
import re
import shutil
import socket
import subprocess

ADDRESS = "192.0.2.10"
NAME = "server.bench.test"
SCRATCH = "/run/bench"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O2"]

# The ports that connections leave in TIME_WAIT can be used again
SETTINGS = {"ip_local_port_range": "1024 65535", "tcp_tw_reuse": "1"}

CONFS = {
    "proxychains4": "strict_chain\nproxy_dns\n[ProxyList]\nsocks5 127.0.0.1 {port}\n",
    "torsocks": "TorAddress 127.0.0.1\nTorPort {port}\n",
    "socksify, a file": """[defaults]
deadline = 60s

[server one]
url = socks5://127.0.0.1:{port}

[server two]
url = socks5://127.0.0.1:1

[pool main]
servers = one, two

[rules]
direct = 10.0.0.0/8, *.corp.example
block = 0.0.0.0/0:25
main = *
"""}


class BenchError(Exception):
    """The measurement itself failed."""


def output(*argv, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **options)
    if done.returncode or "ld.so: object" in done.stderr:
        raise BenchError(f"{' '.join(argv)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def first_of(pattern):
    return next(iter(sorted(glob.glob(pattern))), None)


def free_port():
    """A port that nobody has; in this namespace nobody else takes one."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class World:
    """The place, what was started in it, and what is measured."""

    def __init__(self, here, build, quick):
        self.here, self.build, self.quick = here, build, quick
        self.library = os.path.join(build, "lib/libsocksify.so")
        self.command = os.path.join(build, "cli/socksify")
        for path in (self.library, self.command):
            if not os.path.exists(path):
                raise BenchError(f"{path} is not there: --build names the build folder")
        self.strace = shutil.which("strace", path=PATH)
        self.proxychains = first_of("/usr/lib/*/libproxychains.so.4")
        self.torsocks = first_of("/usr/lib/*/torsocks/libtorsocks.so")
        self.programs = {}
        self.processes = []
        self.make_place()

    def make_place(self):
        output("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
        os.makedirs(SCRATCH + "/home")
        os.makedirs(SCRATCH + "/shared", 0o700)
        output("ip", "link", "set", "lo", "up")
        output("ip", "address", "add", ADDRESS + "/32", "dev", "lo")
        for name, value in SETTINGS.items():
            self.write("/proc/sys/net/ipv4/" + name, value)
        self.proxy_port = free_port()

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def rounds(self, full, quick):
        return quick if self.quick else full

    def program(self, name, *more):
        """Compiles NAME.c, once; the path of the program. more: arguments of the compiler."""
        if name not in self.programs:
            path = f"{SCRATCH}/{os.path.basename(name)}"
            output("cc", *FLAGS, "-o", path, f"{self.here}/{name}.c", *more)
            self.programs[name] = path
        return self.programs[name]

    def conf(self, who, port=None):
        """The path of a configuration file for who; None: it takes none."""
        if who not in CONFS:
            return None
        path = f"{SCRATCH}/{who.split(',')[0]}-{port or self.proxy_port}.conf"
        self.write(path, CONFS[who].format(port=port or self.proxy_port))
        return path

    def environment(self, who, port=None):
        """The environment that makes a program run under who."""
        port = port or self.proxy_port
        if who == "socksify":
            env = self.under(who)
            return env | {"SOCKSIFY_PROXY": f"socks5h://127.0.0.1:{port}"}
        return self.under(who, self.conf(who, port))

    def under(self, who, conf=None):
        """The same with the configuration file conf of who; None: it has none."""
        env = {"PATH": PATH, "HOME": SCRATCH + "/home", "XDG_RUNTIME_DIR": SCRATCH + "/shared"}
        library, variable = {"socksify": (self.library, "SOCKSIFY_CONF"),
                             "proxychains4": (self.proxychains, "PROXYCHAINS_CONF_FILE"),
                             "torsocks": (self.torsocks, "TORSOCKS_CONF_FILE"),
                             }.get(who.split(",")[0], (None, None))
        if library:
            env["LD_PRELOAD"] = library
        if conf:
            env[variable] = conf
        if library and library == self.proxychains:
            env["PROXYCHAINS_QUIET_MODE"] = "1"
        return env

    def peers(self):
        return [name for name, path in (("proxychains4", self.proxychains),
                                        ("torsocks", self.torsocks)) if path]

    def trace(self, env, argv):
        """The names of the system calls that argv makes, its children's too."""
        log = SCRATCH + "/trace"
        sets = [part for name, value in env.items() for part in ("-E", f"{name}={value}")]
        output(self.strace, "-f", "-qq", "-o", log, *sets, *argv, env={"PATH": PATH})
        with open(log, encoding="utf-8", errors="replace") as lines:
            return [m[1] for m in map(re.compile(r"\d+ +(\w+)\(").match, lines) if m]

    def start(self, *argv, **options):
        """It ends with the PID namespace, at the latest."""
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   text=True, **options)
        self.processes.append(process)
        return process

    def check(self):
        """That what was started still runs: something else may end it."""
        for process in self.processes:
            if process.poll() is not None:
                raise BenchError(f"{process.args[0]} ended: status {process.returncode}")

    def describe(self):
        path = self.build + "/meson-info/intro-buildoptions.json"
        built = "unknown"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                built = {o["name"]: o["value"] for o in json.load(file)}["buildtype"]
        load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
        libc = os.confstr("CS_GNU_LIBC_VERSION")
        lines = [f"build type {built}, {os.cpu_count()} processors, load {load}, "
                 f"Linux {os.uname().release}, {libc}"]
        missing = {"proxychains4": self.proxychains, "torsocks": self.torsocks,
                   "strace (system calls)": self.strace}
        lines += [f"left out: {name} is not installed"
                  for name, path in missing.items() if not path]
        return "\n".join(lines)
