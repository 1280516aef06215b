"""The programs that a program starts: they are carried whatever becomes of the environment,
run directly if [apps] says so, and refused if the library cannot be loaded into them."""
import os
import shutil

from cases_clients import PYTHON, hello
from cases_command import BUSYBOX, CURL, MULTIARCH, privileged_copy
from cases_configuration import one_direct
from cases_probes import Row, fill, passed
from servers import URLS, ssh_options
from tap import case
from world import CLIENT4, NOBODY, WEB4, sh

GET = "curl -sS http://{host}/hello"


# ---- the environment is cleaned

CLEANED = [
    ("env -i", ["env", "-i", "sh", "-c", GET]),
    ("env -i by its path", ["/usr/bin/env", "-i", "/bin/sh", "-c", GET]),
    ("bash: exec -c", ["bash", "-c", "exec -c " + GET.replace("curl", CURL)]),
    ("sh: unset LD_PRELOAD", ["sh", "-c", "unset LD_PRELOAD SOCKSIFY_PROXY; " + GET]),
    ("sh: LD_PRELOAD empty", ["sh", "-c", "LD_PRELOAD= " + GET]),
    ("env -u", ["env", "-u", "LD_PRELOAD", "-u", "SOCKSIFY_PROXY", "sh", "-c", GET]),
    ("another home", ["env", "HOME=/nowhere", "XDG_RUNTIME_DIR=/nowhere", "sh", "-c", GET]),
    ("Python: subprocess with env={{}}", [PYTHON, "-c", "import subprocess; subprocess.run("
     f"'{GET}'.replace('curl', '{CURL}').split(), env={{{{}}}}, check=True)"]),
    ("Python: os.posix_spawn", [PYTHON, "-c", "import os; os.waitpid(os.posix_spawn("
     f"'{CURL}', '{GET}'.split(), {{{{}}}}), 0)"]),
    ("Python: os.system after os.environ.clear()", [PYTHON, "-c", "import os; "
     f"os.environ.clear(); os.system('{GET}'.replace('curl', '{CURL}'))"]),
    ("Perl: exec", ["perl", "-e", "%ENV = (); exec {{ $ARGV[0] }} @ARGV", "--",
                    *GET.replace("curl", CURL).split()]),
    ("Perl: backquotes", ["perl", "-e", f"%ENV = (); print `{GET}`".replace("curl", CURL)]),
    ("find -exec", ["env", "-i", "find", "/etc/hosts", "-exec", *GET.split(), ";"]),
    ("xargs", ["env", "-i", "sh", "-c", "echo http://{host}/hello | xargs curl -sS"]),
]


def filled(argv, **words):
    return [arg.format(**words) for arg in argv]


@case("cleaned by {}", each=CLEANED)
def cleaned(t, _, argv):
    host = t.host()
    hello(t, host, t.run(*filled(argv, host=host)))


@case("cleaned by {} in a program that got the library from LD_PRELOAD", each=CLEANED[:3])
def cleaned_by_hand(t, _, argv):
    host = t.host()
    hello(t, host, t.run(*filled(argv, host=host), how="environment"))


@case("cleaned in a child's child's child")
def cleaned_deep(t):
    host = t.host()
    hello(t, host, t.run("env", "-i", "env", "-i", "env", "-i", "sh", "-c", GET.format(host=host)))


@case("a daemon that forks twice, cleans all and leaves its folder is carried")
def daemon(t):
    host = t.host()
    script = t.file("daemon.py", """import os, sys
if os.fork():
    os._exit(os.wait()[1])
os.setsid()
if os.fork():
    os._exit(0)
os.chdir("/")
os.closerange(3, 100)
os.environ.clear()
os.execve(sys.argv[1], sys.argv[1:], {})
""")
    out = t.folder + "/out"
    result = t.ok(t.run(PYTHON, script, CURL, "-sS", "-o", out, "--retry", "0",
                        f"http://{host}/hello", "-w", "done"))
    t.contains(result.out, "done")  # standard output is open until the daemon ends
    t.reached(host)


@case("make -j with a recipe for each of ten pages")
def make(t):
    hosts = [t.host() for _ in range(10)]
    rules = [f"{host}:\n\t@env -i {CURL} -sS -o /dev/null http://{host}/hello\n" for host in hosts]
    file = t.file("Makefile", f"all: {' '.join(hosts)}\n" + "".join(rules))
    t.ok(t.run("make", "-j", "4", "-f", file))
    for host in hosts:
        t.reached(host)


@case("git starts its helpers with the library")
def git(t):
    host = t.host()
    result = t.run("env", "-i", "PATH=/usr/bin:/bin", "git", "-c", "core.askPass=true",
                   "ls-remote", f"http://{host}/none.git")
    t.check(result.code != 0, "there is such a repository")
    t.reached(host)


@case("git over ssh, in a cleaned environment")
def git_ssh(t):
    host = t.host()
    ssh = "ssh " + " ".join(ssh_options())
    result = t.run("env", "-i", "PATH=/usr/bin:/bin", "GIT_SSH_COMMAND=" + ssh, "git", "ls-remote",
                   f"ssh://root@{host}/none.git")
    t.contains(result.err, "none.git")  # the other side has said so
    t.check(t.proxy_used(), "not through the server")
    t.resolved_remotely(host)


@case("the same file is read in a child without HOME")
def same_file(t):
    host = t.host()
    secret = t.file("home/.config/socksify/pass", "secret\n", 0o600)
    t.file("home/.config/socksify/socksify.conf",
           "[server s]\nurl = " + URLS["microsocks"] + "\nuser = u\n"
           "password_file = ~/.config/socksify/pass\n[rules]\nblock = blocked.example\n", 0o600)
    home = os.path.dirname(os.path.dirname(os.path.dirname(secret)))
    env = {"HOME": home, "XDG_CONFIG_HOME": ""}
    for how in ("command", "environment"):
        result = t.run("env", "-i", "sh", "-c", f"cd /; {GET.format(host=host)}", via=(), how=how,
                       env=env)
        hello(t, host, result)
        result = t.run("env", "-i", "curl", "-sS", "http://blocked.example/", via=(), how=how,
                       env=env)
        t.check(result.code == 7, f"exit status {result.code}, not 7")


@case("a password that the file takes from a variable is known in a cleaned child")
def password_env(t):
    host = t.host()
    conf = t.file("socksify.conf", "[server s]\nurl = " + URLS["microsocks"] +
                  "\nuser = u\npassword_env = MY_SECRET\n")
    result = t.run("env", "-i", "curl", "-sS", f"http://{host}/hello", via=(),
                   options=["-f", conf], env={"MY_SECRET": "secret"})
    hello(t, host, result)


@case("{} decides for a cleaned child as it did for its parent", each=("ALL_PROXY", "all_proxy"))
def all_proxy(t, name):
    host = t.host()
    code = ("import os, socket, sys; print(os.environ); s = socket.create_connection("
            "(sys.argv[1], 80)); s.sendall(b'GET /hello HTTP/1.0\\r\\n"
            f"Host: {host}\\r\\n\\r\\n'); s.recv(100)")
    result = t.ok(t.run("env", "-i", PYTHON, "-c", code, host, via=(),
                        env={name: URLS["microsocks"]}))
    t.reached(host)
    t.contains(result.out, name)


@case("a variable that decided nothing is not given to a cleaned child")
def all_proxy_unused(t):
    result = t.ok(t.run("env", "-i", "env", env={"ALL_PROXY": "socks5://192.0.2.9", "HOME": "/x"}))
    names = {line.partition("=")[0] for line in result.out.splitlines()}
    t.check(names == {"LD_PRELOAD", "SOCKSIFY_PROXY", "SOCKSIFY_HOME",
                      "SOCKSIFY_XDG_RUNTIME_DIR"}, f"not what was expected: {sorted(names)}")


# ---- LD_PRELOAD


def own_library(t):
    """A library that says who it is when it is loaded."""
    source = t.file("own.c", "#include <unistd.h>\n__attribute__((constructor)) static void hi("
                    'void)\n{\n\tif (write(2, "own\\n", 4) < 0)\n\t\treturn;\n}\n')
    library = t.folder + "/own.so"
    sh("cc", "-shared", "-fPIC", "-o", library, source)
    return library


@case("a library of the program's own stays, behind ours, given by {}",
      each=("a shell", "env -i", "a space"))
def own_preload(t, how):
    library, host = own_library(t), t.host()
    show = f"echo $LD_PRELOAD; exec {GET.format(host=host)}"
    libm = f"/lib/{MULTIARCH}/libm.so.6"
    argv = {"a shell": ["sh", "-c", f"LD_PRELOAD={library} exec sh -c '{show}'"],
            "env -i": ["env", "-i", f"LD_PRELOAD={library}", "sh", "-c", show],
            "a space": ["env", f"LD_PRELOAD={library} {libm}", "sh", "-c", show]}[how]
    result = t.ok(t.run(*argv))
    first = result.out.splitlines()[0]
    theirs = f"{library} {libm}" if how == "a space" else library
    t.check(first == f"{t.world.library}:{theirs}", f"LD_PRELOAD is {first}")
    t.check(result.err.split() == ["own"] * 2, "the library was not loaded, or twice")
    t.reached(host)


@case("a value of LD_PRELOAD that has ours stays as it is")
def preload_untouched(t):
    value = f"/lib/{MULTIARCH}/libm.so.6 {t.world.library}"
    result = t.ok(t.run("env", f"LD_PRELOAD={value}", "sh", "-c", 'echo "$LD_PRELOAD"'))
    t.check(result.out == value + "\n", "it was changed")


@case("a value of LD_PRELOAD of 100000 bytes is kept whole")
def preload_long(t):
    value = ":".join([f"/lib/{MULTIARCH}/libm.so.6"] * 3000)
    code = "import os; print(len(os.environ['LD_PRELOAD']), os.environ['LD_PRELOAD'][-20:])"
    result = t.ok(t.run("env", f"LD_PRELOAD={value}", PYTHON, "-c", code))
    wanted = len(t.world.library) + 1 + len(value)
    t.check(result.out == f"{wanted} {value[-20:]}\n", f"it is {result.out}")


# ---- what cannot be carried


def refused(t, result, word, name=""):
    """One line of ours that says why; nothing went out."""
    lines = [line for line in result.err.splitlines() if line.startswith("socksify: ")]
    t.check(len(lines) == 1, f"{len(lines)} lines")
    t.contains(lines[0], "refused to run " + name)
    t.contains(lines[0].lower(), word)
    t.check(result.code != 0, "exit status 0")
    t.check(not t.packets(), "something went over the wire")


STATIC = [
    ("sh", ["sh", "-c", "busybox wget -O - http://{web}/hello"]),
    ("sh with its path", ["sh", "-c", BUSYBOX + " wget -O - http://{web}/hello"]),
    ("bash", ["bash", "-c", "busybox wget -O - http://{web}/hello"]),
    ("env -i", ["env", "-i", "busybox", "wget", "-O", "-", "http://{web}/hello"]),
    ("Python: subprocess", [PYTHON, "-c", "import subprocess; subprocess.run("
     "'busybox wget -O - http://{web}/hello'.split(), check=True)"]),
    ("Python: os.posix_spawnp", [PYTHON, "-c", "import os; os.posix_spawnp("
     "'busybox', 'busybox wget -O - http://{web}/hello'.split(), os.environ)"]),
    ("a script", ["{folder}/script"]),
    ("a script of a script", ["{folder}/outer"]),
]


def static_command(t, argv):
    t.file("script", f"#! {BUSYBOX} wget\nhttp://{WEB4}/hello\n", 0o755)
    t.file("outer", f"#!{t.folder}/script\n", 0o755)
    return ["sh", "-c", '"$@"; exit $?', "sh", *filled(argv, web=WEB4, folder=t.folder)]


@case("a static program is refused as a child of {}", each=STATIC, sanitizer=True)
def static(t, _, argv):
    refused(t, t.run(*static_command(t, argv)), "statically linked")


@case("a static program is refused with EACCES", sanitizer=True)
def static_errno(t):
    code = f"""import os
for start in (lambda: os.execv("{BUSYBOX}", ["x"]), lambda: os.execvp("busybox", ["x"]),
              lambda: os.execve(os.open("{BUSYBOX}", os.O_RDONLY), ["x"], {{}}),
              lambda: os.posix_spawn("{BUSYBOX}", ["x"], {{}})):
    try:
        start()
    except OSError as e:
        print(e.errno)"""
    t.check(t.ok(t.run(PYTHON, "-c", code)).out == "13\n" * 4, "not EACCES each time")


@case("a static program that is refused is told of once for each time it is started",
      sanitizer=True)
def static_again(t):
    result = t.run("sh", "-c", "busybox true; busybox true; busybox true")
    t.check(result.err.count("refused to run ") == 3, "not three lines")


@case("a shell that is static is refused to system() and popen()")
def static_shell(t):
    code = """import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.system(b"true"), ctypes.get_errno(), libc.popen(b"true", b"r"), ctypes.get_errno())"""
    replace = f'mount --bind {BUSYBOX} "$(realpath /bin/sh)" && exec {PYTHON} -c "$1"'
    result = t.ok(t.run("unshare", "--mount", "bash", "-c", replace, "bash", code))
    t.check(result.out == "-1 13 0 13\n", "it was started")


@case("posix_spawnp runs no program behind the one that was looked at")
def nothing_behind(t):
    t.file("busybox", "#!/no/such\n", 0o755)
    code = f"""import os
os.environ["PATH"] = "{t.folder}:/usr/bin"
try:
    os.posix_spawnp("busybox", ["busybox", "wget", "-O-", "http://{WEB4}/hello"], os.environ)
except OSError as e:
    print(e.errno)"""
    t.check(t.ok(t.run(PYTHON, "-c", code)).out == "2\n", "not ENOENT")


@case("a privileged program that cannot be read is refused to an ordinary user")
def unreadable(t):
    name = privileged_copy(t, "setuid")
    os.chmod(name, 0o4711)
    os.chmod(t.folder, 0o755)
    result = t.run("sh", "-c", f"{name} -sS http://{WEB4}/hello", unprivileged=True)
    refused(t, result, "setuid", name)


@case("the setuid bit of a script means nothing")
def setuid_script(t):
    host = t.host()
    name = t.file("script", f"#!/bin/sh\n{GET.format(host=host)}\n", 0o4755)
    os.chmod(t.folder, 0o755)
    hello(t, host, t.run("env", name, unprivileged=True))


@case("a setuid program is carried where no program gets more rights")
def no_new_privileges(t):
    name, host = privileged_copy(t, "setuid"), t.host()
    os.chmod(t.folder, 0o755)
    hello(t, host, t.run("setpriv", "--no-new-privs", name, "-sS", f"http://{host}/hello",
                         unprivileged=True))


ALLOWED = [
    ("--allow-leaks", dict(options=["--allow-leaks"])),
    ("SOCKSIFY_ALLOW_LEAKS", dict(env={"SOCKSIFY_ALLOW_LEAKS": "1"})),
    ("SOCKSIFY_ALLOW_LEAKS without the command",
     dict(how="environment", env={"SOCKSIFY_ALLOW_LEAKS": "yes"})),
]


@case("{} runs a static child, also in a cleaned environment, and warns", each=ALLOWED)
def allowed(t, _, how):
    t.permit(one_direct)
    result = t.ok(t.run("env", "-i", "sh", "-c", f"busybox wget -qO- http://{WEB4}/hello", **how))
    t.contains(result.err, "goes around the proxy")
    t.reached_from("http", {CLIENT4})


@case("allow_leaks in the configuration runs a static {}, and warns", each=("child", "program"))
def allowed_by_file(t, what):
    conf = t.file("socksify.conf", "[defaults]\nallow_leaks = yes\n")
    t.permit(one_direct)
    argv = ["busybox", "wget", "-qO-", f"http://{WEB4}/hello"]
    result = t.ok(t.run(*(["env", "-i"] if what == "child" else []), *argv,
                        options=["-f", conf]))
    t.contains(result.err, "goes around the proxy")
    t.reached_from("http", {CLIENT4})


@case("SOCKSIFY_ALLOW_LEAKS=0 is stronger than the configuration")
def not_allowed(t):
    conf = t.file("socksify.conf", "[defaults]\nallow_leaks = yes\n")
    result = t.run("sh", "-c", "busybox true", options=["-f", conf],
                   env={"SOCKSIFY_ALLOW_LEAKS": "0"})
    refused(t, result, "statically linked")


@case("the children of a static program that may run are carried")
def behind_static(t):
    host = t.host()
    hello(t, host, t.run("sh", "-c", f"busybox env {CURL} -sS http://{host}/hello",
                         options=["--allow-leaks"]))


@case("a {} child is refused to an ordinary user", each=(
    ("setuid", "setuid"), ("setgid", "setgid"), ("file-capability", "capabilit")))
def privileged(t, what, word):
    name = privileged_copy(t, what)
    os.chmod(t.folder, 0o755)
    result = t.run("sh", "-c", f"{name} -sS http://{WEB4}/hello", unprivileged=True)
    refused(t, result, word, name)


@case("a child with setuid root is carried for root")
def privileged_root(t):
    name, host = privileged_copy(t, "setuid"), t.host()
    hello(t, host, t.run("env", "-i", name, "-sS", f"http://{host}/hello"))


@case("a child with setuid of another user is refused to root")
def privileged_other(t):
    name = privileged_copy(t, "")
    os.chown(name, NOBODY, NOBODY)
    os.chmod(name, 0o4755)
    refused(t, t.run("env", name, f"http://{WEB4}/hello"), "setuid", name)


@case("a child of a process whose effective user is not its real one is refused")
def other_ids(t):
    code = f"import os; os.seteuid({NOBODY}); os.execv('{CURL}', ['curl', 'http://{WEB4}/'])"
    refused(t, t.run(PYTHON, "-c", code), "effective user")


@case("a child that cannot read the library is refused")
def no_library(t):
    hidden = t.folder + "/hidden"
    os.mkdir(hidden, 0o700)
    shutil.copy2(t.world.library, hidden)
    code = (f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY}); "
            f"os.execv('{CURL}', ['curl', 'http://{WEB4}/hello'])")
    result = t.run(PYTHON, "-c", code, via=None,
                   env={"LD_PRELOAD": hidden + "/libsocksify.so",
                        "SOCKSIFY_PROXY": URLS["microsocks"]})
    refused(t, result, "cannot be read", CURL)


@case("ldd and the dynamic linker by its name work", sanitizer=True)
def loader(t):
    host = t.host()
    t.contains(t.ok(t.run("ldd", CURL)).out, "libc.so.6")
    linker = "/lib64/ld-linux-x86-64.so.2"
    hello(t, host, t.run("sh", "-c", f"{linker} {CURL} -sS http://{host}/hello"))


# ---- [apps] direct

APPS = "[server s]\nurl = {url}\n[apps]\ndirect = curl, no-such\n  busybox\n"


def apps(t):
    return ["-f", t.file("socksify.conf", APPS.format(url=URLS["microsocks"]))]


@case("a child that [apps] sends direct runs without socksify, and what it starts")
def direct_child(t):
    t.permit(lambda packet: True)
    library = own_library(t)
    result = t.ok(t.run("env", f"LD_PRELOAD={library}", "sh", "-c",
                        f"curl -sS http://{WEB4}/hello; busybox env sh -c 'env; echo end'",
                        via=(), options=apps(t)))
    t.reached_from("http", {CLIENT4})
    t.check("SOCKSIFY" not in result.out and "libsocksify" not in result.out,
            "it has our variables")
    t.contains(result.out, f"LD_PRELOAD={library}")
    t.check("refused" not in result.err, "it was refused")


@case("another child is carried where [apps] sends one direct")
def not_direct_child(t):
    host = t.host()
    result = t.run("sh", "-c", f"wget -qO- http://{host}/hello", via=(), options=apps(t))
    hello(t, host, result)


@case("the command runs a program that [apps] sends direct without socksify, and says so")
def direct_program(t):
    t.permit(lambda packet: True)
    result = t.ok(t.run("busybox", "env", via=(), options=[*apps(t), "-v"]))
    t.check("SOCKSIFY" not in result.out and "LD_PRELOAD" not in result.out,
            "it has our variables")
    t.contains(result.err, "runs without socksify")
    t.ok(t.run("curl", "-sS", f"http://{WEB4}/hello", via=(), options=apps(t)))
    t.reached_from("http", {CLIENT4})


# ---- every way to start a program: tests/probe/exec_*.c

ROWS = [
    Row("every form of exec, spawn and shell, with a clean environment", "exec_forms {name} 7"),
    Row("every form of exec, spawn and shell, with a large environment",
        "exec_forms {name} 7 --big"),
    Row("vfork, clone, signal handlers and threads", "exec_vfork {name} 7"),
    Row("the search through PATH", "exec_search {folder}"),
]


@case("{0}: straight", each=[(row.title, row) for row in ROWS])
def straight(t, _, row):
    t.permit(lambda packet: True)
    passed(t, t.run(*fill(t, row, row.command), via=None))


@case("{0}: under socksify", each=[(row.title, row) for row in ROWS])
def under_socksify(t, _, row):
    passed(t, t.run(*fill(t, row, row.command)))
    t.check(not t.dns.asked_by_client(), "a name was looked up here")
