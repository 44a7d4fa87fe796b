"""What the running parts say of themselves. Each answers `None` where a part does not."""

import json
import socket
import urllib.error
import urllib.request

TIMEOUT = 2


def http(address, path):
    """The body of this page."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=TIMEOUT) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        # Patroni's status is one for a load balancer; the body is there all the same.
        return error.read().decode()
    except (OSError, ValueError):
        return None


def etcd(address):
    """Whether this etcd has a leader."""
    try:
        return json.loads(http(address, "/health") or "{}").get("health") == "true"
    except ValueError:
        return False


def members(addresses):
    """What the first Patroni that answers knows of all: by name, its role, state, timeline and lag."""
    for address in addresses:
        try:
            cluster = json.loads(http(address, "/cluster") or "{}")
        except ValueError:
            continue
        if "members" in cluster:
            return {member["name"]: member for member in cluster["members"]}
    return {}


def redis(address, *words):
    """The answer of Redis or a Sentinel to this command: text, number, list, or an error's text."""
    host, port = address.rsplit(":", 1)
    request = b"*%d\r\n" % len(words)
    request += b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
    try:
        with socket.create_connection((host, int(port)), TIMEOUT) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                return reply(answer)
    except (OSError, ValueError):
        return None


def reply(file):
    line = file.readline().decode()
    kind, rest = line[:1], line[1:].rstrip("\r\n")
    match kind:
        case "+" | "-":
            return rest
        case ":":
            return int(rest)
        case "$":
            return None if rest == "-1" else file.read(int(rest) + 2)[:-2].decode()
        case "*":
            return None if rest == "-1" else [reply(file) for _ in range(int(rest))]
    raise ValueError(f"no answer of Redis: {line!r}")


def replication(address):
    """`master` or `slave`, and with how many replicas, or whether the link to the master is up."""
    info = redis(address, "INFO", "replication")
    if info is None:
        return None
    lines = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    if lines.get("role") == "master":
        return "master", lines.get("connected_slaves", "0")
    return "replica", lines.get("master_link_status", "down")


def master(sentinels, name):
    """The address of the master that the first Sentinel which answers knows."""
    for sentinel in sentinels:
        found = redis(sentinel, "SENTINEL", "get-master-addr-by-name", name)
        if isinstance(found, list):
            return ":".join(found)
    return None


def sentinel_peers(address, name):
    """How many other Sentinels and replicas this one knows."""
    state = redis(address, "SENTINEL", "MASTER", name)
    if not isinstance(state, list):
        return None
    fields = dict(zip(state[::2], state[1::2]))
    return int(fields.get("num-other-sentinels", 0)), int(fields.get("num-slaves", 0))


def labserver(address, service):
    """Whether a labserver says that it is ready with this service."""
    host, port = address.rsplit(":", 1)
    expected = f"READY {service} 1".encode()
    try:
        with socket.create_connection((host, int(port)), TIMEOUT) as connection:
            heard = b""
            while expected not in heard:
                part = connection.recv(100)
                if not part:
                    return False
                heard += part
            # One who asks for nothing is slowed down.
            connection.sendall(b"4:QUIT,")
            return True
    except OSError:
        return False


def balanced(address):
    """Which servers HAProxy finds up, and how many there are: `({"atm/lab1", "postgresql/pg2"}, 9)`."""
    text = http(address, "/;csv")
    if text is None:
        return set(), 0
    rows = [line.split(",") for line in text.lstrip("# ").splitlines()]
    column = rows[0].index("status")
    servers = {f"{row[0]}/{row[1]}": row[column] for row in rows[1:]
               if len(row) > column and row[1] not in ("FRONTEND", "BACKEND")}
    return {name for name, status in servers.items() if status.startswith("UP")}, len(servers)
