"""The command itself: what it starts, what it refuses, how it ends."""
import os
import shutil
import struct
import sysconfig

from cases_clients import PYTHON, hello
from cases_configuration import one_direct
from cases_servers import fetch
from servers import URLS
from tap import case
from world import CLIENT4, PROXY4, PROXY6, WEB4, sh

MULTIARCH = sysconfig.get_config_var("MULTIARCH")
BUSYBOX = "/usr/bin/busybox"
CURL = "/usr/bin/curl"


# ---- what it starts


@case("a program given by {} is started", sanitizer=True,
      each=(("path", CURL), ("name", "curl"), ("relative path", "./copy")))
def by_path(t, _, name):
    shutil.copy2(CURL, t.folder + "/copy")
    host = t.host()
    hello(t, host, t.run(name, "-sS", f"http://{host}/hello"))


@case("a script with {} is started", sanitizer=True,
      each=("#!/bin/sh", "#!/bin/bash -e", "#!/usr/bin/env sh"))
def script(t, first_line):
    name = t.file("script", first_line + '\ncurl -sS "http://$1/hello"\n', 0o755)
    host = t.host()
    hello(t, host, t.run(name, host))


@case("arguments, standard input and the environment arrive unchanged", sanitizer=True)
def arguments(t):
    result = t.ok(t.run("sh", "-c", 'printf "[%s]" "$@" "$VALUE"; cat', "sh", "a b", "", "-p",
                        "--", "é", stdin="from stdin\n", env={"VALUE": "x  y"}))
    t.check(result.out == "[a b][][-p][--][é][x  y]from stdin\n", "not what was given")


@case("a program that clears its environment before it connects is carried", sanitizer=True)
def cleared_environment(t):
    host = t.host()
    code = ("import os, ctypes, urllib.request; ctypes.CDLL(None).clearenv(); "
            f"print(urllib.request.urlopen('http://{host}/hello').read().decode())")
    hello(t, host, t.run(PYTHON, "-c", code))


@case("connect() by its number is carried, other numbers pass", sanitizer=True)
def by_number(t):
    code = ("import ctypes, os, socket, struct; libc = ctypes.CDLL(None, use_errno=True); "
            "s = socket.socket(); "
            f"a = struct.pack('!HH4s8x', 0x200, 80, socket.inet_aton('{WEB4}')); "
            "r = libc.syscall(42, s.fileno(), a, len(a)); "
            "s.sendall(b'GET /hello HTTP/1.0\\r\\n\\r\\n'); "
            "print(r, libc.syscall(39) == os.getpid(), s.recv(12).decode())")
    result = t.ok(t.run(PYTHON, "-c", code))
    t.contains(result.out, "0 True HTTP/1")
    t.reached_from("http", {PROXY4, PROXY6})


@case("options behind the program's name are the program's", sanitizer=True)
def options_behind(t):
    result = t.ok(t.run("printf", "%s ", "-p", "--help", dashes=False))
    t.check(result.out == "-p --help ", "not what was given")


@case("LD_PRELOAD of the user stays in force")
def preload_kept(t):
    library = f"/lib/{MULTIARCH}/libm.so.6"
    result = t.ok(t.run("cat", "/proc/self/maps", env={"LD_PRELOAD": library}))
    t.contains(result.out, os.path.realpath(library))
    t.contains(result.out, "libsocksify.so")


@case("a program has no descriptor and no thread more than without, idle or after a connection")
def idle(t):
    look = """import os, socket, sys
if sys.argv[1:]:
    socket.create_connection((sys.argv[1], 80)).close()
print(sorted(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))"""
    alone = t.ok(t.run(PYTHON, "-c", look, via=None))
    for host in ([], [t.host()]):
        t.check(t.ok(t.run(PYTHON, "-c", look, *host)).out == alone.out, "there is more")


# ---- how it ends


@case("exit status {} of the program is handed on", each=(0, 1, 7, 125, 255), sanitizer=True)
def exit_status(t, code):
    t.ok(t.run("sh", "-c", f"exit {code}"), code)


@case("a program killed by a signal ends as it would without socksify", sanitizer=True)
def killed(t):
    result = t.run("sh", "-c", "kill -TERM $$")
    t.check(result.code in (-15, 128 + 15), f"exit status {result.code}")


@case("{} is exit status 127", sanitizer=True, each=(
    ("a name that is not in PATH", "no-such-program"), ("a path that is not there", "/no/such"),
    ("the empty name", "")))
def not_found(t, _, name):
    result = t.ok(t.run(name), 127)
    t.contains(result.err, f"socksify: {name}")


@case("{} is exit status 126", sanitizer=True,
      each=("a file without the right to execute", "a folder"))
def not_executable(t, what):
    name = t.file("plain", "#!/bin/sh\n") if what.startswith("a file") else t.folder
    result = t.ok(t.run(name), 126)
    t.contains(result.err, f"socksify: {name}")


@case("{} is exit status 125 and a word on standard error", sanitizer=True, each=(
    ("an unknown option", ["--no-such-option"], ["true"]), ("no program", [], []),
    ("a broken URL", ["-p", "socks5:/x"], ["true"]), ("an unknown scheme", ["-p", "ftp://x"],
                                                       ["true"]),
    ("a folder as configuration file", ["-f", "/etc"], ["true"]),
    ("an option without its argument", ["-f"], None)))
def usage(t, _, options, argv):
    result = t.run(*(argv or []), via=(), options=options, dashes=argv is not None)
    t.ok(result, 125)
    t.contains(result.err, "socksify: ")
    t.check(not result.out, "something on standard output")


@case("{} prints to standard output, exit status 0", each=("--help", "--version"),
      sanitizer=True)
def information(t, option):
    result = t.ok(t.run(via=(), options=[option], dashes=False))
    t.contains(result.out, "socksify")
    t.check(not result.err, "something on standard error")


@case("-q keeps the log quiet", sanitizer=True)
def quiet(t):
    result = fetch(t, t.host(), via="socks5://192.0.2.2:1099", options=["-q"])
    t.check(result.code != 0, "curl has succeeded")
    t.check("socksify: " not in result.err, "there is a log")


@case("-v says which server carries which destination", sanitizer=True)
def verbose(t):
    host = t.host()
    result = fetch(t, host, options=["-v"])
    hello(t, host, result)
    t.contains(result.err, host)
    t.contains(result.err, URLS["microsocks"].partition("//")[2])


# ---- what it refuses


def refused(t, word, *argv, **how):
    """Refused before it runs, with one line that holds the word."""
    result = t.ok(t.run(*argv, **how), 126)
    lines = result.err.splitlines()
    t.check(len(lines) == 1 and lines[0].startswith("socksify: "), "not one line")
    t.contains(lines[0].lower(), word)
    t.check(not t.packets(), "something went over the wire")


PT_INTERP, PT_NOTE = 3, 4
I386, X86_64 = 3, 62
GLIBC = b"/lib64/ld-linux-x86-64.so.2\0"
GO_NOTE = struct.pack("<III", 4, 4, 4) + b"Go\0\0" + b"id\0\0"


def elf(machine, *segments):
    """A file that looks like a program for this machine with these (type, content)."""
    wide = machine == X86_64
    word, head_size, entry_size = ("Q", 64, 56) if wide else ("I", 52, 32)
    data_at, entries, data = head_size + entry_size * len(segments), b"", b""
    for kind, content in segments:
        at, n = data_at + len(data), len(content)
        place = (at, at, at, n, n)
        entries += struct.pack("<II5QQ", kind, 4, *place, 1) if wide else \
            struct.pack("<I5III", kind, *place, 4, 1)
        data += content
    head = struct.pack(f"<4sBBB9xHHI3{word}I6H", b"\x7fELF", 2 if wide else 1, 1, 1, 3, machine,
                       1, 0, head_size, 0, 0, head_size, entry_size, len(segments), 0, 0, 0)
    return head + entries + data


@case("a static program is refused", sanitizer=True)
def static(t):
    refused(t, "static", BUSYBOX, "wget", "-O", "-", f"http://{WEB4}/hello")


@case("a script for a static interpreter is refused", sanitizer=True)
def static_script(t):
    refused(t, "static", t.file("script", f"#!{BUSYBOX} sh\necho started\n", 0o755))


@case("a {} program is refused", sanitizer=True, each=(
    ("32-bit", "32-bit", elf(I386, (PT_INTERP, b"/lib/ld-linux.so.2\0"))),
    ("musl", "c library", elf(X86_64, (PT_INTERP, b"/lib/ld-musl-x86_64.so.1\0"))),
    ("Go", "go", elf(X86_64, (PT_INTERP, GLIBC), (PT_NOTE, GO_NOTE)))))
def foreign(t, _, word, content):
    name = t.folder + "/program"
    with open(name, "wb") as f:
        f.write(content)
    os.chmod(name, 0o755)
    refused(t, word, name)


def privileged_copy(t, what):
    """curl as a program that runs with more rights than its caller."""
    name = t.folder + "/curl"
    shutil.copy(CURL, name)
    os.chmod(name, {"setuid": 0o4755, "setgid": 0o2755}.get(what, 0o755))
    if what == "file-capability":
        sh("setcap", "cap_net_raw+ep", name)
    return name


@case("a {} program is refused to an ordinary user", each=(
    ("setuid", "setuid"), ("setgid", "setgid"), ("file-capability", "capabilit")))
def privileged(t, what, word):
    name = privileged_copy(t, what)
    refused(t, word, name, "-sS", f"http://{WEB4}/hello", unprivileged=True)


@case("an ordinary user's program is carried")
def unprivileged(t):
    host = t.host()
    hello(t, host, fetch(t, host, unprivileged=True))


@case("--allow-leaks runs a {} program, and warns", each=("setuid", "setgid", "file-capability"))
def allow_privileged(t, what):
    t.permit(one_direct)
    result = t.ok(t.run(privileged_copy(t, what), "-sS", f"http://{WEB4}/hello",
                        options=["--allow-leaks"], unprivileged=True))
    t.contains(result.err, "socksify: ")
    t.reached_from("http", {CLIENT4})


@case("--allow-leaks runs a static program, and warns")
def allow_static(t):
    t.permit(one_direct)
    result = t.ok(t.run(BUSYBOX, "wget", "-q", "-O", "-", f"http://{WEB4}/hello",
                        options=["--allow-leaks"]))
    t.contains(result.err, "socksify: ")
    t.reached_from("http", {CLIENT4})


@case("the children of a program are carried too", sanitizer=True)
def children(t):
    host = t.host()
    code = f"import subprocess; subprocess.run(['curl', '-sS', 'http://{host}/hello'])"
    hello(t, host, t.run("sh", "-c", '"$@"', "sh", PYTHON, "-c", code))
