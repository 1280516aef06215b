"""The closed network the cases run in, and the way to start a program there.

run.py has already put this process into network, mount and PID namespaces of its
own; whatever is made here vanishes with the last of its processes, however they
end. This process stays in the namespace called srv:

    cli  198.51.100.2  2001:db8:c::2    the programs under test
     |
    srv  192.0.2.2     2001:db8:5::2    SOCKS servers
         203.0.113.10  2001:db8:f::10   targets
         203.0.113.53  2001:db8:f::53   DNS

What a SOCKS server sends to a target or to the DNS server comes from its own
address, what a program in cli sends there itself comes from cli's: the logs tell
them apart. Nothing is filtered between the two, so that a leak succeeds.

All of /etc is a private copy with a resolv.conf, an account list and a hosts file
of ours (cli has another hosts file than srv); /run, /tmp, /var/tmp and /dev/shm are
empty private file systems.
"""
import os
import shutil
import signal
import subprocess

SCRATCH = "/run/e2e"
HOME = SCRATCH + "/home"
CLIENT4, CLIENT6 = "198.51.100.2", "2001:db8:c::2"
PROXY4, PROXY6 = "192.0.2.2", "2001:db8:5::2"
WEB4, WEB6 = "203.0.113.10", "2001:db8:f::10"
DNS4, DNS6 = "203.0.113.53", "2001:db8:f::53"
SILENT4 = "192.0.2.66"        # packets to it are dropped without a word
UNREACHABLE4 = "203.0.113.67"  # srv has an "unreachable" route for it
NO_ROUTE4 = "8.8.4.4"         # srv has no route for it
HOSTS_NAME = "inhosts.sx.test"  # only in cli's hosts file, as WEB4
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOBODY = 65534

ETC = {
    "resolv.conf": f"nameserver {DNS4}\noptions timeout:2 attempts:1\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n"
                     "hosts: files dns\nservices: files\nprotocols: files\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    "passwd": f"root:x:0:0:root:{HOME}:/bin/sh\n"
              "sshd:x:104:65534::/run/sshd:/usr/sbin/nologin\n"
              "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "shadow": "root:*:19000:0:99999:7:::\n",
}

SRV_ADDRESSES = f"""
link set lo up
addr add 198.51.100.1/24 dev srv0
addr add 2001:db8:c::1/64 dev srv0 nodad
link set srv0 up
addr add {PROXY4}/32 dev lo
addr add {PROXY6}/128 dev lo nodad
route add local 203.0.113.0/24 dev lo src {PROXY4}
route add local 2001:db8:f::/64 dev lo src {PROXY6}
route add unreachable {UNREACHABLE4}/32 table local
"""
CLI_ADDRESSES = f"""
link set lo up
addr add {CLIENT4}/24 dev eth0
addr add {CLIENT6}/64 dev eth0 nodad
link set eth0 up
route add default via 198.51.100.1
route add default via 2001:db8:c::1
"""
# Addresses are usable at once, no router is looked for, and targets may listen where only
# a route says that the address is ours.
SETTINGS = """
for device in all default eth0 srv0; do
    cd /proc/sys/net/ipv6/conf/$device 2>/dev/null || continue
    echo 0 >accept_dad
    echo 0 >accept_ra
done
echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind
"""


class WorldError(Exception):
    """The harness itself failed; no statement about the product."""


def sh(*argv, text_in=None, **options):
    """Run a command of the harness; its output, or WorldError."""
    done = subprocess.run(argv, input=text_in, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise WorldError(f"{' '.join(argv)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def cover(place, keep):
    """An empty file system over place; the folders in keep stay to be seen."""
    stage = SCRATCH + "/stage"
    os.makedirs(stage, exist_ok=True)
    sh("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", stage)
    for folder in keep:
        if folder.startswith(place + "/"):
            os.makedirs(stage + folder[len(place):])
            sh("mount", "--rbind", folder, stage + folder[len(place):])
    sh("mount", "--move", stage, place)


def private_etc():
    copy = SCRATCH + "/etc"
    sh("cp", "-a", "/etc", copy)
    shutil.rmtree(copy + "/socksify", ignore_errors=True)
    for name, text in ETC.items():
        if os.path.lexists(f"{copy}/{name}"):
            os.unlink(f"{copy}/{name}")
        write(f"{copy}/{name}", text)
    write(copy + "/hosts.cli", ETC["hosts"] + f"{WEB4} {HOSTS_NAME}\n")
    sh("mount", "--rbind", copy, "/etc")


def private_files(keep):
    os.chdir("/")
    os.umask(0o022)
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for place in filter(os.path.isdir, ("/tmp", "/var/tmp", "/dev/shm")):
        cover(place, keep)
    os.makedirs("/run/sshd")
    os.makedirs(HOME)
    private_etc()


class World:
    """Both hosts. build is the product's build folder; keep are the folders that
    must stay visible wherever they lie."""

    def __init__(self, build, keep):
        private_files(keep)
        os.environ.clear()
        os.environ.update(PATH=PATH, HOME=HOME, LANG="C.UTF-8")
        self.build = build
        self.command = build + "/cli/socksify"
        self.library = build + "/lib/libsocksify.so"
        self.connect_hosts()

    def connect_hosts(self):
        """Make cli and hold it by two descriptors, so it needs no process."""
        holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c",
             "mount --bind /etc/hosts.cli /etc/hosts && echo ready && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if holder.stdout.readline() != "ready\n":
            raise WorldError("no namespace for the client host")
        self.net = os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY)
        self.mnt = os.open(f"/proc/{holder.pid}/ns/mnt", os.O_RDONLY)
        sh("ip", "link", "add", "srv0", "type", "veth", "peer", "name", "eth0",
           "netns", str(holder.pid))
        holder.communicate()
        for where in ([], self.enter()):
            sh(*where, "sh", "-c", SETTINGS)
        sh("ip", "-batch", "-", text_in=SRV_ADDRESSES)
        sh(*self.enter(), "ip", "-batch", "-", text_in=CLI_ADDRESSES)

    def enter(self):
        """The command prefix that takes a program to cli."""
        fds = f"/proc/{os.getpid()}/fd"
        return ["nsenter", f"--net={fds}/{self.net}", f"--mount={fds}/{self.mnt}", "--"]

    def in_cli(self, argv, env, folder, unprivileged=False):
        """The command that runs argv in cli with exactly this environment."""
        who = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return [*self.enter(), *(who if unprivileged else []), "env", "-i", "-C", folder,
                *(f"{key}={value}" for key, value in env.items()), *argv]

    def public_copy(self):
        """socksify and its library where an unprivileged user can read them,
        though the build folder may lie in somebody's home."""
        place = SCRATCH + "/public"
        if not os.path.exists(place):
            for product in (self.command, self.library):
                folder = f"{place}/{os.path.basename(os.path.dirname(product))}"
                os.makedirs(folder)
                shutil.copy2(product, folder)
        return place + "/cli/socksify"

    def processes_in_cli(self):
        """The processes that are in cli now, by number."""
        cli = os.stat(self.net).st_ino
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{pid}/ns/net").st_ino == cli:
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def sweep(self):
        """Kill what is left in cli; says what it was."""
        left = []
        for pid in self.processes_in_cli():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    left.append(f.read().replace(b"\0", b" ").decode(errors="replace"))
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        return left
