"""What the cluster consists of: its processes, their ports, files and commands.

The tables at the top are what one would change. Everything listens on 127.0.0.1.
"""

import glob
import json
import os
import pwd
import secrets
import shutil

# Each is three times there, so that one may fail. etcd and the Sentinels go by a majority.
NUMBERS = (1, 2, 3)

# A labserver's command. `{bank}` is the database of all of them, `{room}` the Sentinels of the room,
# `{port}` what its ports are counted from: atm is 5 above it, chat 8 above it.
LABSERVER = [
    "--mode", "all", "--port", "{port}", "--max-connections", "4000", "--ledger", "{bank}",
    "--require-synchronous", "--room", "{room}",
]

# When the primary is gone without a word, its lease runs out after `ttl` at the latest; the leader
# renews it every `loop_wait`. Patroni's rule is loop_wait + 2 * retry_timeout <= ttl: a leader that
# cannot reach etcd must have stepped down before its lease has run out.
PATRONI = {
    "ttl": 8,
    "loop_wait": 2,
    "retry_timeout": 3,
    # After a crash of PostgreSQL alone, the others are sooner there than its recovery is over.
    "primary_start_timeout": 0,
    # Without etcd, the primary goes on as long as it reaches both standbys.
    "failsafe_mode": True,
    "maximum_lag_on_failover": 1048576,
    # A commit is answered once the standbys have it on disk, and one of those will lead. Strict: where
    # there is none, commits wait, rather than be lost with the primary.
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    # Both of them: the one that has more leads. Were only one of them synchronous, the other might
    # have more than it, and no commit would be answered until that was rewound, some five seconds.
    "synchronous_node_count": 2,
}

POSTGRESQL = {
    "max_connections": 200,
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_log_hints": "on",
    # After a failover the other standby has to find the new primary before a commit is answered: by
    # default it tries every 5 s.
    "wal_retrieve_retry_interval": "200ms",
    # A standby that hangs is noticed. One that comes back finds what it missed, up to this size.
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "wal_keep_size": "512MB",
    # Files in its own directory, which are removed with it, and none in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
    "log_line_prefix": "%m [%p] ",
}

REDIS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "0",
    # A master that lost its replicas takes no writes, which would be lost when another one leads.
    "min-replicas-to-write": "1",
    "min-replicas-max-lag": "5",
}

SENTINEL = {
    "down-after-milliseconds": "2000",
    "failover-timeout": "5000",
    "parallel-syncs": "2",
}

# What Sentinel calls the master, and Patroni its cluster.
ROOM, SCOPE = "room", "bank"

PACKAGES = "postgresql-15 patroni etcd-server haproxy redis-server redis-sentinel"

PROGRAMS = ("etcd", "patroni", "redis-server", "redis-sentinel", "haproxy")

DEFAULT_DIRECTORY = "/tmp/socketlab-cluster"
DEFAULT_PORT_BASE = 5500


class Refused(Exception):
    """Why it cannot be done, and what to do."""


def ports(base):
    """The port of each process, by its name, and those of HAProxy and the labservers by their
    purpose."""
    counted = {"haproxy stats": base, "haproxy atm": base + 5, "haproxy chat": base + 8}
    for n in NUMBERS:
        for service, offset in (("atm", 5), ("text", 6), ("calc", 7), ("chat", 8), ("echo", 9),
                                ("datetime", 10), ("script", 11)):
            counted[f"lab{n} {service}"] = base + 10 * n + offset
        counted["haproxy postgresql"] = base + 4
        counted[f"pg{n}"] = base + 60 + n
        counted[f"patroni{n}"] = base + 70 + n
        counted[f"etcd{n}"] = base + 80 + n
        counted[f"etcd{n} peer"] = base + 90 + n
        counted[f"redis{n}"] = base + 100 + n
        counted[f"sentinel{n}"] = base + 110 + n
    return counted


def find_programs():
    """Where PostgreSQL's programs are, once all that is needed is there."""
    # Debian's system programs are not on everybody's path.
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"),
                   key=lambda path: int(path.split("/")[4]))
    if not found:
        missing.append("postgres")
    if missing:
        raise Refused(f"not installed: {', '.join(missing)}. On Debian:\n"
                      f"  apt-get install --no-install-recommends {PACKAGES}")
    return os.path.dirname(found[-1])


def find_labserver(named):
    """The labserver that is named, or that was built here, or that is on the path."""
    repository = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(repository, "target"))
    built = os.path.join(target, "release", "labserver")
    for path in [named] if named else [built, shutil.which("labserver")]:
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise Refused(f"there is no {named or built}: build it with `cargo build --release`, or name it "
                  "with --labserver PATH")


def user():
    """Who runs all of it: PostgreSQL refuses root, for whom Debian's package has made a user."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise Refused("PostgreSQL does not run as root, and there is no user postgres") from None


class Layout:
    """The processes of a cluster in this directory, with ports counted from this base."""

    def __init__(self, directory, base, binaries, labserver):
        self.directory = directory
        self.binaries = binaries
        self.labserver = labserver
        self.ports = ports(base)
        self.passwords = {name: secrets.token_hex(16)
                          for name in ("postgres", "replicator", "rewinder", "bank")}
        nodes = ",".join(self.address(f"pg{n}") for n in NUMBERS)
        self.bank = f"postgres://bank@{nodes}/bank"
        sentinels = ",".join(self.address(f"sentinel{n}") for n in NUMBERS)
        self.room = f"redis+sentinel://{sentinels}/{ROOM}"

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def processes(self):
        """Each process: its name, kind, command, and where its data are. In the order of the start."""
        for n in NUMBERS:
            yield self.process(f"etcd{n}", "etcd", self.etcd(n))
        for n in NUMBERS:
            yield self.process(f"redis{n}", "redis",
                               ["redis-server", self.path(f"redis{n}", "redis.conf")])
        for n in NUMBERS:
            yield self.process(f"sentinel{n}", "sentinel",
                               ["redis-sentinel", self.path(f"sentinel{n}", "sentinel.conf")])
        for n in NUMBERS:
            process = self.process(f"pg{n}", "postgresql",
                                   ["patroni", self.path(f"pg{n}", "patroni.json")])
            process["data"] = self.path(f"pg{n}", "data")
            process["patroni"] = self.address(f"patroni{n}")
            yield process
        for n in NUMBERS:
            process = self.process(f"lab{n}", "labserver", [self.labserver] + self.lab_options(n))
            process["address"] = self.address(f"lab{n} atm")
            process["chat"] = self.address(f"lab{n} chat")
            yield process
        process = self.process("haproxy", "haproxy",
                               ["haproxy", "-db", "-f", self.path("haproxy", "haproxy.cfg")])
        process["address"] = self.address("haproxy atm")
        process["chat"] = self.address("haproxy chat")
        yield process

    def process(self, name, kind, command):
        # HOME and TMPDIR are its own, so that nothing is written elsewhere.
        home = self.path(name)
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": home,
            "TMPDIR": home,
            "XDG_STATE_HOME": home,
            "PGPASSFILE": self.path("pgpass"),
        }
        return {
            "name": name,
            "kind": kind,
            "address": self.address(name) if name in self.ports else None,
            "command": command,
            "environment": environment,
            "home": home,
            "data": home,
            "log": self.path("log", f"{name}.log"),
        }

    def etcd(self, n):
        peers = ",".join(f"etcd{m}=http://{self.address(f'etcd{m} peer')}" for m in NUMBERS)
        clients, peer = f"http://{self.address(f'etcd{n}')}", f"http://{self.address(f'etcd{n} peer')}"
        return [
            "etcd", "--name", f"etcd{n}", "--data-dir", self.path(f"etcd{n}", "data"),
            "--listen-client-urls", clients, "--advertise-client-urls", clients,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", peers, "--initial-cluster-token", "socketlab",
            "--auto-compaction-mode", "revision", "--auto-compaction-retention", "1000",
            "--enable-v2", "--logger", "zap", "--log-level", "warn",
        ]

    def lab_options(self, n):
        values = {
            "port": self.ports[f"lab{n} atm"] - 5,
            "bank": self.bank,
            "room": self.room,
        }
        return [option.format(**values) for option in LABSERVER]

    def addresses(self):
        """Where what is, for programs."""
        of = lambda name: [self.address(f"{name}{n}") for n in NUMBERS]
        return {
            "bank": self.bank,
            "room": self.room,
            "pgpass": self.path("pgpass"),
            "atm": [self.address(f"lab{n} atm") for n in NUMBERS],
            "chat": [self.address(f"lab{n} chat") for n in NUMBERS],
            "haproxy_atm": self.address("haproxy atm"),
            "haproxy_chat": self.address("haproxy chat"),
            "haproxy_postgresql": self.address("haproxy postgresql"),
            "haproxy_stats": f"http://{self.address('haproxy stats')}/",
            "postgresql": of("pg"),
            "patroni": of("patroni"),
            "etcd": of("etcd"),
            "redis": of("redis"),
            "sentinel": of("sentinel"),
        }

    def files(self):
        """Each file of configuration: its path and its text."""
        lines = [f"127.0.0.1:*:*:{name}:{password}" for name, password in self.passwords.items()]
        yield self.path("pgpass"), "\n".join(lines) + "\n"
        for n in NUMBERS:
            yield self.path(f"pg{n}", "patroni.json"), json.dumps(self.patroni(n), indent=2)
            yield self.path(f"redis{n}", "redis.conf"), self.redis(n)
            yield self.path(f"sentinel{n}", "sentinel.conf"), self.sentinel(n)
        # For patronictl, which wants to know the one etcd and the name.
        # By the second version of etcd's interface, in which the lease is renewed only where it is
        # still one's own. By the third, Patroni 3.0 writes itself down as the leader once it goes on
        # after having been stopped, over the one that leads meanwhile: what that one had answered is
        # lost.
        etcd = {"hosts": [self.address(f"etcd{n}") for n in NUMBERS]}
        control = {"scope": SCOPE, "namespace": "/socketlab/", "etcd": etcd}
        yield self.path("patronictl.json"), json.dumps(control, indent=2)
        yield self.path("haproxy", "haproxy.cfg"), self.haproxy()

    def patroni(self, n):
        """The configuration of Patroni. JSON is YAML as well."""
        account = lambda name: {"username": name, "password": self.passwords[name]}
        listen, rest = self.address(f"pg{n}"), self.address(f"patroni{n}")
        return {
            "scope": SCOPE,
            "namespace": "/socketlab/",
            "name": f"pg{n}",
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd": {"hosts": [self.address(f"etcd{m}") for m in NUMBERS]},
            "bootstrap": {
                "dcs": PATRONI | {
                    "postgresql": {
                        # A new primary makes slots for the others only after a while, which they
                        # would wait for.
                        "use_pg_rewind": True, "use_slots": False, "parameters": POSTGRESQL,
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums",
                           {"auth": "scram-sha-256"}],
            },
            "postgresql": {
                "listen": listen,
                "connect_address": listen,
                "bin_dir": self.binaries,
                "data_dir": self.path(f"pg{n}", "data"),
                "pgpass": self.path(f"pg{n}", "pgpass"),
                "authentication": {
                    "superuser": account("postgres"),
                    "replication": account("replicator"),
                    "rewind": account("rewinder"),
                },
                "pg_hba": [
                    "local all all scram-sha-256",
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                ],
                "parameters": {"unix_socket_directories": self.path(f"pg{n}")},
                "basebackup": [{"checkpoint": "fast"}],
                # A former primary that cannot be rewound is copied again.
                "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True,
            },
        }

    def redis(self, n):
        lines = {
            "bind": "127.0.0.1", "port": self.ports[f"redis{n}"], "dir": self.path(f"redis{n}"),
        } | REDIS
        if n != 1:
            lines["replicaof"] = f"127.0.0.1 {self.ports['redis1']}"
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    def sentinel(self, n):
        lines = [
            "bind 127.0.0.1",
            f"port {self.ports[f'sentinel{n}']}",
            f"dir {self.path(f'sentinel{n}')}",
            f"sentinel monitor {ROOM} 127.0.0.1 {self.ports['redis1']} 2",
        ]
        lines += [f"sentinel {name} {ROOM} {value}" for name, value in SENTINEL.items()]
        return "\n".join(lines) + "\n"

    def haproxy(self):
        def balanced(service):
            servers = "\n".join(f"    server lab{n} {self.address(f'lab{n} {service}')} check"
                                for n in NUMBERS)
            # The check says goodbye: a labserver slows down those who never ask for anything.
            return f"""
listen {service}
    bind {self.address(f"haproxy {service}")}
    option tcp-check
    tcp-check expect string "READY {service} 1"
    tcp-check send "4:QUIT,"
    tcp-check expect string "bye"
{servers}
"""
        databases = "\n".join(f"    server pg{n} {self.address(f'pg{n}')} check port "
                              f"{self.ports[f'patroni{n}']}" for n in NUMBERS)
        return f"""global
    maxconn 8000
    stats socket {self.path("haproxy", "control")} mode 600 level admin

defaults
    mode tcp
    balance leastconn
    timeout connect 2s
    timeout check 2s
    # A labserver ends a silent conversation after ten minutes, and says so.
    timeout client 11m
    timeout server 11m
    retries 2
    option redispatch
    default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{balanced("atm")}{balanced("chat")}
# For those who do not look for the primary among several themselves. Patroni knows which it is; a
# server that lost its Patroni may still take itself for one.
listen postgresql
    bind {self.address("haproxy postgresql")}
    option httpchk GET /primary
    http-check expect status 200
{databases}

frontend stats
    bind {self.address("haproxy stats")}
    mode http
    timeout client 10s
    stats enable
    stats uri /
    stats refresh 2s
"""
