#!/usr/bin/python3
"""Rules of the house that a compiler does not know, as TAP.

    lint.py SOURCE BUILD

Layers, exported symbols, what the core and the library link, banned
functions, formatting, sizes, and the map in lib/README.md.
"""

import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()

# A layer may include itself and what stands here: the table of lib/README.md.
LAYERS = {
    "base": set(),
    "proto": {"base"},
    "conf": {"base"},
    "core": {"proto", "conf", "base"},
    "hook": {"core", "conf", "base"},
    "cli": {"core", "conf", "base"},
}

# Unbounded, not safe in another's process, or not safe in a signal handler
# or thread. The library never ends the process and never prints.
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|select|rand|" \
         r"srand|random|alloca|signal|system|popen|tmpnam|mktemp|readdir_r)\s*\("
BANNED_IN_LIB = r"\b(exit|_exit|abort|assert|printf|fprintf|puts|fputs|perror|" \
                r"err|warn|errx|warnx)\s*\("

# The hook of a name has to define it; a child of vfork() has nothing but its stack,
# and how much of it is bounded in hook/exec.h.
ALLOWED = {"lib/hook/exec.c": {"alloca"}, "lib/hook/exec.h": {"alloca"},
           "lib/hook/exec_list.c": {"alloca"}, "lib/hook/shell.c": {"system", "popen"}}

TOP_LEVEL = {"lib", "cli", "tests", "scripts", "meson.build",
             "meson_options.txt", "README.md", "COPYING"}
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80


def command(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout


def c_files(*folders):
    for folder in folders:
        for path in sorted((SOURCE / folder).rglob("*")):
            if path.suffix in (".c", ".h"):
                yield path


def rel(path):
    return str(path.relative_to(SOURCE))


def code_lines(path):
    """Lines without comments and strings, numbered."""
    text = path.read_text()
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    return enumerate(text.splitlines(), 1)


def layers_hold():
    """a line of code uses only what stands to the right of its arrow"""
    for path in c_files("lib", "cli"):
        layer = path.parent.name
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'#\s*include "(?:(\w+)/)?[\w.]+"', line)
            if not m:
                continue
            used = m[1] or ("cli" if layer == "cli" else None)
            if used is None:
                yield f"{rel(path)}:{number}: include without its layer"
            elif used != layer and used not in LAYERS[layer]:
                yield f"{rel(path)}:{number}: {layer} uses {used}"


def hooked_names():
    text = (SOURCE / "lib/hook/hooks.def").read_text()
    return set(re.findall(r"^SX_(?:HOOK|EXPORT_ONLY)\((\w+)\)", text, re.M))


def undefined(archive):
    out = command("nm", "-u", str(archive))
    return {line.split()[-1].split("@")[0] for line in out.splitlines()
            if re.match(r"\s+U ", line)}


def core_calls_no_hooked_name():
    """the core archive calls nothing that the library interposes"""
    names = undefined(BUILD / "lib/libsocksify-core.a")
    if "memcpy" not in names:
        yield "nm lists no undefined symbol: the test cannot work"
    # These are only interposed for the program's sockets
    files = {"close", "fclose", "read", "write"}
    for name in sorted(names & (hooked_names() - files | {"poll"})):
        yield f"libsocksify-core.a calls {name}"


def exports_are_the_hooks():
    """the library exports the hooked names and nothing else"""
    out = command("nm", "-D", "--defined-only", str(BUILD / "lib/libsocksify.so"))
    exported = {line.split()[-1] for line in out.splitlines()}
    mapped = re.search(r"global:(.*?)local:",
                       (SOURCE / "lib/socksify.map").read_text(), re.S)[1]
    mapped = set(re.findall(r"(\w+);", mapped))
    for name in sorted(exported ^ hooked_names()):
        yield f"{name} is not both exported and in hooks.def"
    for name in sorted(mapped ^ hooked_names()):
        yield f"{name} is not both in socksify.map and in hooks.def"


def library_needs_libc_only():
    """the library links nothing dynamically but libc"""
    out = command("readelf", "-d", str(BUILD / "lib/libsocksify.so"))
    needed = re.findall(r"\(NEEDED\).*\[(.*?)\]", out)
    for name in needed:
        # The dynamic linker itself is there in any case
        if not re.match(r"(libc\.so|ld-linux|lib(a|t|ub)san)", name):
            yield f"the library needs {name}"
    if not needed:
        yield "readelf lists no library: the test cannot work"


def no_banned_functions():
    """banned functions are not called"""
    for path in c_files("lib", "cli"):
        patterns = [BANNED] + ([BANNED_IN_LIB] if rel(path).startswith("lib/") else [])
        for number, line in code_lines(path):
            for pattern in patterns:
                m = re.search(pattern, line)
                if m and not line.startswith("static_assert") and \
                        m[1] not in ALLOWED.get(rel(path), ()):
                    yield f"{rel(path)}:{number}: {m[1]}()"


def formatted():
    """clang-format leaves every file as it is"""
    for path in c_files("lib", "cli", "tests"):
        if command("clang-format", str(path)) != path.read_text():
            yield f"{rel(path)}: run clang-format -i"


def sizes():
    """no file is over 600 lines and no function over 80"""
    for path in c_files("lib", "cli", "tests"):
        start = 0
        lines = path.read_text().splitlines()
        if len(lines) > MAX_FILE_LINES:
            yield f"{rel(path)}: {len(lines)} lines"
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start and number - start > MAX_FUNCTION_LINES:
                yield f"{rel(path)}:{start}: a function of {number - start} lines"


def map_is_complete():
    """lib/README.md has a line for every file of lib"""
    text = (SOURCE / "lib/README.md").read_text()
    for path in sorted((SOURCE / "lib").rglob("*")):
        if path.suffix not in (".c", ".h", ".def", ".map"):
            continue
        name = str(path.relative_to(SOURCE / "lib"))
        pair = re.sub(r"\.[ch]$", ".[ch]", name)
        if f"`{name}`" not in text and f"`{pair}`" not in text:
            yield f"lib/README.md does not have {name}"


def top_level_is_as_agreed():
    """the top level holds what was agreed and dotfiles"""
    try:
        tracked = command("git", "-C", str(SOURCE), "ls-files")
    except (subprocess.CalledProcessError, FileNotFoundError):
        return  # an unpacked archive
    for name in sorted({line.split("/")[0] for line in tracked.splitlines()}):
        if name not in TOP_LEVEL and not name.startswith("."):
            yield f"{name} at the top level"


CHECKS = [layers_hold, core_calls_no_hooked_name, exports_are_the_hooks,
          library_needs_libc_only, no_banned_functions, formatted, sizes,
          map_is_complete, top_level_is_as_agreed]


def main():
    failed = 0
    print(f"TAP version 13\n1..{len(CHECKS)}")
    for number, check in enumerate(CHECKS, 1):
        faults = list(check())
        failed += bool(faults)
        print(f"{'not ' if faults else ''}ok {number} - {check.__doc__}")
        for fault in faults:
            print(f"# {fault}")
    return 1 if failed else 0


sys.exit(main())
