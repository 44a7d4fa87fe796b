"""Processes that outlive the command that started them: started, recognised, ended.

A process is known by its number and the moment it began, so that another one with the same number is
never taken for it. `cluster.json`, in the directory of the cluster, has all that is needed to start one
again.
"""

import json
import os
import signal
import subprocess
import sys
import time

STATE = "cluster.json"


def load(directory):
    """What was started there; `None` where no cluster is."""
    try:
        with open(os.path.join(directory, STATE), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def save(state):
    """Replaces the file at once, so that a reader finds the one before or this one."""
    path = os.path.join(state["directory"], STATE)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file, indent=2)
        file.write("\n")
    os.replace(path + ".new", path)


def began(pid):
    """When the process with this number began, in ticks since the computer did; `None` where it is
    gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The name of the program, in brackets, may have anything in it.
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def running(process):
    """The number and the beginning of this process; `None` where it does not run."""
    pid = process.get("pid")
    is_alive = pid is not None and began(pid) == process["began"]
    return (pid, process["began"]) if is_alive else None


def postmaster(process):
    """The same of the PostgreSQL server that this Patroni keeps."""
    try:
        with open(os.path.join(process["data"], "postmaster.pid"), encoding="ascii") as file:
            pid = int(file.readline())
        # It works in the directory of its data, as nothing else does.
        is_that = os.readlink(f"/proc/{pid}/cwd") == process["data"]
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return (pid, began(pid)) if is_that and began(pid) else None


def start(state, process):
    """Starts it in a session of its own, as the user of the cluster, with its output in its log."""
    command = process["command"]
    if os.geteuid() == 0:
        user = state["user"]
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *command]
    with open(process["log"], "ab") as log:
        child = subprocess.Popen(command, cwd=process["home"], env=process["environment"],
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                 start_new_session=True)
    process["pid"], process["began"] = child.pid, began(child.pid)
    save(state)


def stop(process, kill=False):
    """Ends this process: as it wants to, or at once and without a word. PostgreSQL ends with its
    Patroni; when both are killed, Patroni first, which would start it again."""
    pairs = [running(process)]
    if kill and process["kind"] == "postgresql":
        pairs.append(postmaster(process))
    end(pairs, signal.SIGKILL if kill else signal.SIGTERM, 30)


def end(pairs, first, patience):
    """Sends this signal to these processes, in this order, and SIGKILL to those that are still there
    after so many seconds."""
    def alive():
        return [pair[0] for pair in pairs if pair and began(pair[0]) == pair[1]]

    for sent, seconds in ((first, patience), (signal.SIGKILL, 10)):
        for pid in alive():
            try:
                os.kill(pid, sent)
            except ProcessLookupError:
                pass
        by = time.monotonic() + seconds
        while alive() and time.monotonic() < by:
            time.sleep(0.05)
    if alive():
        raise TimeoutError(f"processes do not end: {alive()}")


def named(directory, name):
    """The state of the cluster there, and its process of this name; ends the program where there is
    none."""
    directory = os.path.realpath(directory)
    state = load(directory)
    if state is None:
        sys.exit(f"no cluster is in {directory}")
    if name not in state["processes"]:
        sys.exit(f"there is no {name}: {', '.join(state['processes'])}")
    return state, state["processes"][name]
