"""Programs that do not use the network."""
import os

import contest
import report

# What is run, rounds, rounds of --quick, and whether it is short enough to be stepped
PROGRAMS = [(["/bin/true"], 1500, 150, True),
            (["/bin/sh", "-c", ":"], 800, 100, False),
            (["/usr/bin/python3", "-c", "pass"], 150, 10, False)]
COMMAND_ROUNDS = 300, 20


def launch(world, rounds, commands):
    """Runs the commands in turn; [command][what][round], what: wall, cpu, faults."""
    argv = []
    for env, command in commands:
        argv += ["::"] + [f"{name}={value}" for name, value in env.items()] + command
    out = contest.output(world.program("launch"), str(rounds), *argv[1:])
    values = [([], [], []) for _ in commands]
    for line in out.splitlines():
        _, which, *numbers = map(int, line.split())
        for column, number in zip(values[which], numbers):
            column.append(number)
    return values


def steps(world, env, command):
    """Instructions of the first thread, without those of the kernel; None: unknown."""
    stepped = {"STEP_LD_PRELOAD" if k == "LD_PRELOAD" else k: v for k, v in env.items()}
    try:
        return int(contest.output(world.program("steps"), *command, env=stepped)) / 1000
    except contest.BenchError:
        return None  # no ptrace() here


def measure(world, title, rounds, entrants, stepped=False):
    """One table; entrants: (name, environment, command), the first is the measure."""
    values = launch(world, rounds, [(env, command) for _, env, command in entrants])
    rows = []
    for (name, env, command), (wall, cpu, faults) in zip(entrants, values):
        rows.append([name, report.microseconds(wall), str(report.Ratio(wall, values[0][0])),
                     report.microseconds(cpu), str(report.Ratio(cpu, values[0][1])),
                     report.count(sorted(faults)[len(faults) // 2]),
                     report.count(len(world.trace(env, command)) if world.strace else None),
                     report.count(steps(world, env, command) if stepped else None)])
    report.table(f"{title}, {rounds} rounds",
                 ["", "wall us", "ratio", "cpu us", "ratio", "faults", "calls", "1000 steps"],
                 rows)


def idle(world):
    names = ["nothing", "socksify", "socksify, a file", *world.peers()]
    for command, full, quick, stepped in PROGRAMS:
        if os.path.exists(command[0]):
            entrants = [(name, world.environment(name), command) for name in names]
            measure(world, "idle: " + " ".join(command), world.rounds(full, quick),
                    entrants, stepped and not world.quick)


def commands(world):
    env = world.environment("nothing")
    url = f"socks5h://127.0.0.1:{world.proxy_port}"
    entrants = [("env", env, ["env", "true"]),
                ("socksify", env, [world.command, "-p", url, "true"])]
    if "proxychains4" in world.peers():
        entrants.append(("proxychains4", env, [
            "proxychains4", "-q", "-f", world.conf("proxychains4"), "true"]))
    if "torsocks" in world.peers():
        conf = {"TORSOCKS_CONF_FILE": world.conf("torsocks")}
        entrants.append(("torsocks", env | conf, ["torsocks", "true"]))
    measure(world, "commands: COMMAND true", world.rounds(*COMMAND_ROUNDS), entrants)
