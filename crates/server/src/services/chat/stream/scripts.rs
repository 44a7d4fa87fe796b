//! What a server does to a room: scripts, each of which Redis runs whole or not at all, and which may
//! be repeated when its answer did not come, since it looks first whether it was done before.

use std::time::Duration;

use proto::chat::{Reason, Text};
use proto::name::Name;

use super::{By, LINES, MEMBERS, SERVERS, STREAM};
use crate::redis::{Command, Failure, Reply};

/// About how many entries the stream keeps: what a server may miss and still resume without a gap.
/// At 20 lines a second, some eight minutes.
const KEPT: &str = "10000";

/// What every script begins with.
const COMMON: &str = r"
local stream, members, lines, servers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local function owner(folded)
  local claim = redis.call('HGET', members, folded)
  if claim then return claim:match('^(%S+) %d+ (%S+)$') end
end
local function add(...)
  local now = redis.call('TIME')
  return redis.call('XADD', stream, 'MAXLEN', '~', ARGV[1], '0-*', 'at', now[1] .. '.' .. now[2], ...)
end
local function remove(folded, by, name, reason)
  add('kind', 'left', 'by', by, 'name', name, 'reason', reason)
  redis.call('HDEL', members, folded)
  redis.call('HDEL', lines, folded)
end
local function milliseconds(after)
  local now = redis.call('TIME')
  return string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + after)
end
local function depart(server)
  local all, gone = redis.call('HGETALL', members), {}
  for i = 1, #all, 2 do
    local by, order, name = all[i + 1]:match('^(%S+) (%d+) (%S+)$')
    if by and by:sub(1, #server + 1) == server .. '/' then
      gone[#gone + 1] = { tonumber(order), all[i], by, name }
    end
  end
  table.sort(gone, function(a, b) return a[1] < b[1] end)
  for _, member in ipairs(gone) do remove(member[2], member[3], member[4], 'disconnected') end
  redis.call('ZREM', servers, server)
end
";

/// The folded name, the member, the name, its server, the lease.
const JOIN: &str = r"
local by, name = owner(ARGV[2])
if by and by ~= ARGV[3] then return { 'taken', name } end
if not by then
  local id = add('kind', 'joined', 'by', ARGV[3], 'name', ARGV[4])
  redis.call('HSET', members, ARGV[2], ARGV[3] .. ' ' .. id:sub(3) .. ' ' .. ARGV[4])
  redis.call('ZADD', servers, 'NX', milliseconds(ARGV[6]), ARGV[5])
end
return { 'done' }
";

/// The folded name, the member, the name, the number of the line, its text. Where it was said
/// before, something is written all the same, so that it can be waited for until replicas have it.
const SAY: &str = r"
if owner(ARGV[2]) ~= ARGV[3] then return { 'out' } end
local last = redis.call('HGET', lines, ARGV[2]) or '0'
if tonumber(last) < tonumber(ARGV[5]) then
  add('kind', 'said', 'by', ARGV[3], 'name', ARGV[4], 'line', ARGV[5], 'text', ARGV[6])
  last = ARGV[5]
end
redis.call('HSET', lines, ARGV[2], last)
return { 'done' }
";

/// The folded name, the member, the name, the reason.
const LEAVE: &str = r"
if owner(ARGV[2]) == ARGV[3] then remove(ARGV[2], ARGV[3], ARGV[4], ARGV[5]) end
return { 'done' }
";

/// The server, its lease, and whether servers whose lease has expired are to be removed.
const RENEW: &str = r"
redis.call('ZADD', servers, milliseconds(ARGV[3]), ARGV[2])
if ARGV[4] == 'yes' then
  local expired = redis.call('ZRANGEBYSCORE', servers, '-inf', '(' .. milliseconds(0))
  for _, server in ipairs(expired) do depart(server) end
end
return { 'done' }
";

/// The server.
const DEPART: &str = "depart(ARGV[2]) return { 'done' }";

/// The last entry and the members, at the same moment.
const SNAPSHOT: &str = r"
local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
return { last[1] and last[1][1] or '0-0', redis.call('HGETALL', members) }
";

/// What a script answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, now or before.
    Done,
    /// The name is that of another, who writes it so.
    Taken(String),
    /// The member is not in the room.
    Out,
}

/// What a server does to the room, in scripts that are sent together.
#[derive(Debug, Default)]
pub struct Scripts {
    /// The commands.
    pub commands: Command,
}

impl Scripts {
    /// The last entry and the members, at the same moment.
    pub fn snapshot(&mut self) {
        self.add(SNAPSHOT, &[]);
    }

    fn add(&mut self, script: &str, arguments: &[&str]) {
        let script = format!("{COMMON}{script}");
        let mut command = vec!["EVAL", &script, "4", STREAM, MEMBERS, LINES, SERVERS, KEPT];
        command.extend(arguments);
        self.commands.add(&command);
    }

    /// A member joins. Its server counts as there for the lease at least.
    pub fn join(&mut self, by: &By, name: &Name, lease: Duration) {
        let (whose, server) = (by.to_string(), by.server.as_ref());
        let lease = lease.as_millis().to_string();
        self.add(
            JOIN,
            &[&name.folded(), &whose, name.as_str(), server, &lease],
        );
    }

    /// A member says its line of this number.
    pub fn say(&mut self, by: &By, name: &Name, line: u64, text: &Text) {
        let (whose, line) = (by.to_string(), line.to_string());
        self.add(
            SAY,
            &[&name.folded(), &whose, name.as_str(), &line, text.as_str()],
        );
    }

    /// A member leaves.
    pub fn leave(&mut self, by: &By, name: &Name, reason: Reason) {
        let whose = by.to_string();
        let arguments = [&name.folded(), &whose, name.as_str(), reason.as_str()];
        self.add(LEAVE, &arguments);
    }

    /// A server renews its lease, and may remove those that did not.
    pub fn renew(&mut self, server: &str, lease: Duration, removes: bool) {
        let lease = lease.as_millis().to_string();
        let removes = if removes { "yes" } else { "no" };
        self.add(RENEW, &[server, &lease, removes]);
    }

    /// A server goes, with all of its members.
    pub fn depart(&mut self, server: &str) {
        self.add(DEPART, &[server]);
    }

    /// Waits until so many replicas have what was sent before.
    pub fn wait(&mut self, replicas: u32, longest: Duration) {
        let longest = longest.as_millis().to_string();
        self.commands
            .add(&["WAIT", &replicas.to_string(), &longest]);
    }
}

impl Outcome {
    /// What a script answered.
    ///
    /// # Errors
    /// When that is an error, or nothing a script answers.
    pub fn of(reply: Reply) -> Result<Outcome, Failure> {
        let reply = reply.accepted()?;
        let words: Option<Vec<&str>> = match &reply {
            Reply::List(items) => items.iter().map(Reply::text).collect(),
            _ => None,
        };
        match words.as_deref() {
            Some(["done"]) => Ok(Outcome::Done),
            Some(["out"]) => Ok(Outcome::Out),
            Some(["taken", name]) => Ok(Outcome::Taken((*name).to_owned())),
            _ => Err(Failure::unexpected(&reply)),
        }
    }
}
