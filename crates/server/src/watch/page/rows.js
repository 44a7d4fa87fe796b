"use strict";
// What happens comes as server-sent events, each a line of a recording with its words (docs/recording.md,
// docs/watching.md). It is kept in rows; of these, only what can be seen is drawn. All that a peer said is
// text: it is put into text nodes alone.

const MOST_ROWS = 30000, DROPPED_AT_ONCE = 5000, MOST_LIFELINES = 6, SLOW = 1000;
const byId = id => document.getElementById(id);
const key = new URLSearchParams(location.hash.slice(1));
const control = key.get("control") || "";
const token = control || key.get("watch") || "";

const state = {
  rows: [],           // all, in order
  view: [],           // those that the filter keeps
  dropped: 0,         // rows that were dropped
  arrived: 0,         // how many of the rows may be shown: all, unless paused or slow
  isPaused: false, isSlow: false, hasReads: false,
  filter: "", run: "", isProxy: false, pid: "", fault: "",
  connections: new Map(), // what is known of each
  held: new Map(),    // what faults do to messages that are not sent yet
  seen: new Map(),    // requests with an id, and how often they came
  picked: null, isPinned: false, follows: true,
};

let isConnected = false, isOver = false; // whether events come; whether none will

// ---- From events to rows

function connectionOf(event) {
  const number = event.transport === "udp" ? event.peer : event.connection;
  const id = event.service + "#" + number;
  let known = state.connections.get(id);
  if (!known) {
    known = {id, service: event.service, peer: "", server: "", name: "", reads: [], last: null};
    state.connections.set(id, known);
    hasNewLifeline = true;
  }
  if (event.side === "server") known.peer = event.peer; else known.server = event.peer;
  return known;
}

function nanoseconds(count) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (count >= size) return String(Math.round(count / size * 100) / 100) + " " + unit;
  }
  return count + " ns";
}

// Puts an event into the rows.
function take(event) {
  if (event.event === "lost" || !event.service) return takeOfProgram(event);
  const connection = connectionOf(event);
  const isOwn = event.direction === (event.side === "server" ? "to-client" : "to-server");
  const half = event.side === "server" ? ["client", "self"] : ["self", "server"];
  const [from, to] = event.direction === "to-server" ? half : [half[1], half[0]];
  const base = {t: event.t, connection, event, from, to, badges: [], classes: new Set()};
  const heldKey = connection.id + " " + event.side + " " + event.direction + " ";
  switch (event.event) {
    case "connected":
      if (event.transport === "tcp") add({...base, kind: "connection", from: half[0], to: half[1], words: "connected"});
      break;
    case "sent": {
      learnName(connection, event);
      const row = message(base, event);
      const whole = state.held.get(heldKey + event.bytes) || (event.partial && heldStart(heldKey, event.bytes));
      if (whole) release(whole, row);
      break;
    }
    case "received":
      connection.last = message(base, event);
      connection.last.reads = connection.reads.splice(0);
      countRepeat(connection.last);
      break;
    case "unreadable":
      connection.last = message(base, event);
      connection.last.reads = connection.reads.splice(0);
      mark(connection.last, "lost", event.words);
      break;
    case "read":
      connection.reads.push(event.said);
      if (connection.reads.length > 100) connection.reads.shift();
      add({...base, kind: "note", at: "self", words: event.said, isRead: true});
      break;
    case "dropped": {
      const words = event.cause === "duplicate" ? "not passed on" : "lost";
      if (isOwn) lose(message(base, event), words, 0.2);
      else if (connection.last && connection.last.event.bytes === event.bytes) lose(connection.last, words, 0.92);
      else lose(message(base, event), words, 0.92);
      break;
    }
    case "reset": lose(message(base, event), "reset instead", 0.2); break;
    case "refused":
      if (isOwn) lose(message(base, event), "refused by a fault", 0.2);
      else if (connection.last) mark(connection.last, "struck", "refused by a fault");
      break;
    case "duplicated":
      if (!isOwn) { if (connection.last) mark(connection.last, "struck", "handled twice"); break; }
      hold(heldKey, event, 2); break;
    case "delayed": case "cut": case "reordered": case "split": case "glued": case "corrupted":
      hold(heldKey, event, 1); break;
    case "closed":
      if (event.transport === "tcp") {
        const isOurs = (event.by === "us") === (event.side === "server");
        const row = {...base, kind: "connection", from: half[isOurs ? 1 : 0], to: half[isOurs ? 0 : 1], words: event.said};
        if (!["end", "abort"].includes(event.how) || (event.how === "abort" && event.words)) row.classes.add("bad");
        add(row);
      }
      break;
    case "half-closed": break;
    default: takeOfProgram(event, connection);
  }
}

// What happened to the program, or on a connection but not to a message.
function takeOfProgram(event, connection = null) {
  const row = {t: event.t, connection, event, kind: "note", at: "self", words: event.said, badges: [], classes: new Set()};
  switch (event.event) {
    case "failed": row.classes.add("bad"); break;
    case "timed-out": case "paused": case "resent": row.classes.add("warning"); break;
    case "faults": state.fault = event.fault; showFaults(); row.kind = "banner"; break;
    case "lost": row.kind = "banner"; break;
    case "crashed": row.kind = "banner"; row.classes.add("bad"); break;
    case "ended": row.kind = "banner"; row.words = "the server ended"; break;
  }
  add(row);
}

function message(base, event) {
  const row = {...base, kind: "message"};
  row.label = event.text === undefined ? escaped(event.bytes) : printable(event.text);
  if (event.partial) mark(row, "lost", "no whole message");
  add(row);
  return row;
}

function mark(row, name, words) {
  row.classes.add(name);
  if (words && !row.badges.includes(words)) row.badges.push(words);
  schedule();
}

function lose(row, words, where) {
  mark(row, "lost", words);
  row.lostAt = where;
}

function hold(heldKey, event, copies) {
  const whole = heldKey + event.bytes;
  const held = state.held.get(whole) || {key: whole, since: event.t, faults: [], copies: 1};
  held.faults.push(event);
  held.copies = Math.max(held.copies, copies);
  state.held.set(whole, held);
  if (state.held.size > 5000) state.held.delete(state.held.keys().next().value);
}

function heldStart(heldKey, bytes) {
  for (const [whole, held] of state.held) if (whole.startsWith(heldKey + bytes)) return held;
  return null;
}

// What faults did to a message shows in the row of its sending.
function release(held, row) {
  for (const fault of held.faults) {
    switch (fault.event) {
      case "delayed": mark(row, "struck", nanoseconds(row.t - held.since) + " late"); break;
      case "duplicated": if (held.copies === 1) mark(row, "copy", "doubled"); break;
      case "cut": mark(row, "lost", "cut: " + fault.sent + " of " + fault.bytes.length + " bytes"); break;
      case "split": mark(row, "struck", "in pieces of " + fault.size); break;
      case "corrupted": mark(row, "struck", "a bit flipped"); break;
      default: mark(row, "struck", "held back");
    }
  }
  held.copies -= 1;
  if (held.copies <= 0) state.held.delete(held.key);
}

// The server's answer says who a client is.
function learnName(connection, event) {
  const named = /^OK (?:terminal|joined) (\S+)/.exec(event.text || "");
  if (named && event.direction === "to-client" && ["atm", "chat", "proxy"].includes(event.service)) {
    connection.name = printable(named[1]).slice(0, 24);
    hasNewLifeline = true;
  }
}

// A request with an id that came before is a repeat.
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}([0-9a-f]{4})/g;
function countRepeat(row) {
  const text = row.event.text || "";
  ID.lastIndex = 0;
  if (row.event.direction !== "to-server" || !ID.test(text)) return;
  const what = row.connection.service + " " + text, times = (state.seen.get(what) || 0) + 1;
  state.seen.set(what, times);
  if (state.seen.size > 20000) state.seen.delete(state.seen.keys().next().value);
  if (times > 1) mark(row, "again", times === 2 ? "2nd time" : times === 3 ? "3rd time" : times + "th time");
}

function add(row) {
  row.number = state.dropped + state.rows.length;
  state.rows.push(row);
  if (!state.isPaused && !state.isSlow) state.arrived = state.rows.length;
  if (state.rows.length > MOST_ROWS) {
    state.rows.splice(0, DROPPED_AT_ONCE);
    state.dropped += DROPPED_AT_ONCE;
    state.arrived = Math.max(0, state.arrived - DROPPED_AT_ONCE);
    refilter();
  }
  schedule();
}

function escaped(bytes) {
  return bytes.replace(/[^ -~]/g, c => ({"\n": "\\n", "\r": "\\r", "\t": "\\t"})[c] || "\\x" + c.charCodeAt(0).toString(16).padStart(2, "0"));
}

// What could disturb the line is shown as its number: controls, and what turns or hides text.
function printable(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, c => "\\u{" + c.codePointAt(0).toString(16) + "}");
}

// ---- Which rows are shown

function isShown(row) {
  if (row.isRead && !state.hasReads) return false;
  if (!state.filter) return true;
  if (!row.connection) return row.kind === "banner";
  const [kind, ...rest] = state.filter.split(":"), value = rest.join(":");
  if (kind === "service") return row.connection.service === value;
  if (kind === "name") return row.connection.name === value;
  return row.connection.id === value;
}

let filtered = 0; // how many of the rows were looked at
function extendView() {
  for (; filtered < state.arrived; filtered++) {
    if (isShown(state.rows[filtered])) state.view.push(state.rows[filtered]);
  }
}

function refilter() {
  state.view = [];
  filtered = 0;
  hasNewLifeline = true;
}
