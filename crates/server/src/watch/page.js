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

// ---- Lifelines

let hasNewLifeline = true;
let lifelines = {names: [], of: new Map(), number: () => "", servers: []};

function layLifelines() {
  const shown = new Set();
  for (const row of state.view) if (row.connection) shown.add(row.connection);
  const host = known => known.peer.replace(/:\d+$/, "");
  let name = known => known.name || known.peer;
  const most = Math.min(MOST_LIFELINES, lifelinesThatFit() - (state.isProxy ? 2 : 1));
  const count = naming => new Set([...shown].map(naming)).size;
  if (count(name) > most) name = host;
  if (count(name) > most) name = () => "clients";
  const names = [], of = new Map(), servers = new Set();
  for (const known of shown) {
    const its = name(known);
    if (!names.includes(its)) names.push(its);
    of.set(known.id, names.indexOf(its));
    if (known.server) servers.add(known.server);
  }
  if (!names.length) names.push("clients");
  const services = new Set([...shown].map(known => known.service));
  const number = known => shown.size <= names.length ? "" : services.size > 1 ? known.id + " " : known.id.slice(known.service.length) + " ";
  lifelines = {names, of, number, servers: [...servers]};
  hasNewLifeline = false;
}

// The margins and the least gap between two lifelines, in sizes of the font.
const fontSize = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--size"));
const margins = () => byId("scroll").clientWidth / fontSize() < 40 ? {left: 4.4, pad: 4, gap: 7.5} : {left: 5.6, pad: 5.5, gap: 13};
function lifelinesThatFit() {
  const {left, pad, gap} = margins();
  return 1 + Math.floor((byId("scroll").clientWidth / fontSize() - left - 2 * pad) / gap);
}

// Where everything stands.
function measure() {
  const size = fontSize(), wide = margins(), left = size * wide.left, pad = size * wide.pad;
  const clients = lifelines.names.length, all = clients + 1 + (state.isProxy ? 1 : 0);
  const least = size * wide.gap * (all - 1) + left + 2 * pad;
  const width = Math.max(byId("scroll").clientWidth, Math.floor(least));
  const gap = (width - left - 2 * pad) / Math.max(1, all - 1);
  const x = index => left + pad + gap * index;
  const of = (end, connection) => {
    if (end === "self") return x(clients);
    if (end === "server") return x(clients + 1);
    return x(connection ? lifelines.of.get(connection.id) || 0 : 0);
  };
  return {size, left, width, height: Math.round(size * 2.5), of, x, clients, all};
}

// ---- Drawing

function make(name, attributes, words) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  if (words !== undefined) made.textContent = words;
  return made;
}

let isScheduled = false;
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => { isScheduled = false; draw(); });
}

function draw() {
  const scroll = byId("scroll");
  extendView();
  if (hasNewLifeline) layLifelines();
  const place = measure();
  drawHeads(place);
  byId("empty").hidden = state.view.length > 0;
  const canvas = byId("canvas"), total = state.view.length * place.height;
  canvas.style.height = total + "px";
  canvas.style.width = place.width + "px";
  if (state.follows) scroll.scrollTop = scroll.scrollHeight;
  const top = scroll.scrollTop - byId("heads").clientHeight;
  const first = Math.max(0, Math.floor(top / place.height) - 5);
  const last = Math.min(state.view.length, Math.ceil((top + scroll.clientHeight) / place.height) + 5);
  const rows = byId("rows"), focused = document.activeElement && document.activeElement.dataset.number;
  rows.setAttribute("width", place.width);
  rows.setAttribute("height", Math.max(0, last - first) * place.height);
  rows.style.top = first * place.height + "px";
  const drawn = [];
  for (let index = 0; index < place.all; index++) {
    drawn.push(make("line", {class: "life", x1: place.x(index), x2: place.x(index), y1: 0, y2: (last - first) * place.height}));
  }
  for (let index = first; index < last; index++) drawn.push(drawRow(state.view[index], (index - first) * place.height, place));
  rows.replaceChildren(...drawn);
  if (focused) { const again = rows.querySelector('[data-number="' + focused + '"]'); if (again) again.focus({preventScroll: true}); }
  byId("latest").hidden = state.follows;
  showProgress();
}

let headsDrawn = "";
function drawHeads(place) {
  const names = [...lifelines.names, state.isProxy ? "proxy" : "labserver"];
  if (state.isProxy) names.push("server");
  const details = names.map((_, index) => index < place.clients ? "" : index === place.clients ? "process " + state.pid : lifelines.servers.join(", "));
  const what = JSON.stringify([names, details, place.width, place.size]);
  if (what === headsDrawn) return;
  headsDrawn = what;
  const heads = byId("heads"), height = place.size * 3.6;
  heads.setAttribute("width", place.width);
  heads.setAttribute("height", height);
  const drawn = [];
  names.forEach((name, index) => {
    const x = place.x(index), width = Math.min(place.size * 11.5, Math.max(name.length, details[index].length * 0.8) * place.size * 0.62 + 24);
    drawn.push(make("rect", {class: index === place.clients ? "head" : "head guess", x: x - width / 2, y: 5, width, height: height - 10, rx: 5}));
    drawn.push(make("text", {class: "name", x, y: details[index] ? height * 0.45 : height * 0.58}, name));
    if (details[index]) drawn.push(make("text", {class: "detail", x, y: height * 0.75}, details[index]));
  });
  heads.replaceChildren(...drawn);
}

function drawRow(row, y, place) {
  const group = make("g", {class: ["row", "of-" + row.kind, ...row.classes].join(" ") + (state.picked === row ? " picked" : ""),
    tabindex: 0, role: "listitem", "data-number": row.number, transform: "translate(0 " + y + ")"});
  group.setAttribute("aria-label", spoken(row));
  group.append(make("rect", {class: "hit", x: 0, y: 0, width: place.width, height: place.height}));
  group.append(make("text", {class: "time", x: place.left, y: place.height * 0.66}, (row.t / 1e9).toFixed(3)));
  if (row.kind === "message") drawMessage(group, row, place);
  else if (row.kind === "connection") drawConnection(group, row, place);
  else drawNote(group, row, place);
  return group;
}

// Ids by their last digits, and secrets by three stars.
const short = text => text.replace(ID, "…$1").replace(/\*{4,}/g, "***");

function fit(text, width, size) {
  const most = Math.max(4, Math.floor(width / (size * 0.57)));
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

function drawMessage(group, row, place) {
  const from = place.of(row.from, row.connection), to = place.of(row.to, row.connection);
  const way = to > from ? 1 : -1, y = place.height * 0.8, end = to - way;
  if (row.lostAt !== undefined) {
    const x = from + (to - from) * row.lostAt;
    group.append(make("line", {class: "arrow", x1: from, y1: y, x2: x - way * 8, y2: y}));
    group.append(make("path", {class: "cross", d: "M" + (x - 6) + " " + (y - 6) + "l12 12m0 -12l-12 12"}));
    group.append(make("line", {class: "faint", x1: x + way * 12, y1: y, x2: to, y2: y}));
  } else {
    group.append(make("line", {class: "arrow", x1: from, y1: y, x2: end - way * 8, y2: y}));
    group.append(make("path", {class: "tip", d: "M" + end + " " + y + "l" + -way * 11 + " -5l0 10z"}));
  }
  const number = lifelines.number(row.connection), badges = row.badges.join(", ");
  const room = Math.abs(to - from) - place.size * 1.4 - (number.length + badges.length + 3) * place.size * 0.57;
  const label = make("text", {class: "label", x: (from + to) / 2, y: place.height * 0.5, "text-anchor": "middle"});
  if (number) label.append(make("tspan", {class: "number-of"}, number));
  label.append(make("tspan", {}, fit(short(row.label), room, place.size)));
  if (badges) label.append(make("tspan", {class: "badge", dx: 10}, "[" + badges + "]"));
  group.append(label);
}

function drawConnection(group, row, place) {
  const from = place.of(row.from, row.connection), to = place.of(row.to, row.connection), y = place.height * 0.62;
  group.append(make("line", {class: "thin", x1: from, y1: y, x2: to, y2: y}));
  const number = lifelines.number(row.connection);
  const words = fit(number + row.words, Math.abs(to - from) - 20, place.size * 0.9);
  group.append(make("text", {class: "small", x: (from + to) / 2, y: place.height * 0.55, "text-anchor": "middle"}, words));
}

function drawNote(group, row, place) {
  const number = row.connection ? lifelines.number(row.connection) : "";
  const words = fit(number + short(printable(row.words)), place.width - place.left - 60, place.size * 0.9);
  const width = Math.min(place.width - place.left - 20, words.length * place.size * 0.5 + 26);
  const middle = row.kind === "banner" ? (place.left + place.width) / 2 : place.of(row.at, row.connection);
  const x = Math.min(Math.max(middle - width / 2, place.left + 8), place.width - width - 6);
  group.append(make("rect", {class: "note", x, y: place.height * 0.12, width, height: place.height * 0.76, rx: 4}));
  group.append(make("text", {class: "words", x: x + width / 2, y: place.height * 0.62}, words));
}

function spoken(row) {
  const where = row.connection ? row.connection.id + ": " : "";
  if (row.kind !== "message") return where + printable(row.words);
  const way = row.event.direction === "to-server" ? "to the server: " : "to the client: ";
  return where + way + row.label + (row.badges.length ? ", " + row.badges.join(", ") : "");
}

// ---- What one row says

function dump(bytes) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, 2048); at += 16) {
    const piece = [...bytes.slice(at, at + 16)];
    const hex = piece.map(c => c.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    lines.push(at.toString(16).padStart(4, "0") + "  " + hex.padEnd(47) + "  " + piece.map(c => c >= " " && c <= "~" ? c : ".").join(""));
  }
  if (bytes.length > 2048) lines.push("… and " + (bytes.length - 2048) + " bytes more");
  return lines.join("\n");
}

function showDetails(row) {
  state.picked = row;
  const details = byId("details");
  details.hidden = !row;
  if (!row) return;
  const parts = [spoken(row), "at " + (row.t / 1e9).toFixed(6) + " s, " + row.event.wall];
  if (row.event.peer) parts.push("between " + row.event.local + " and " + row.event.peer + " over " + row.event.transport);
  if (row.event.masked) parts.push("secrets are masked");
  if (row.reads && row.reads.length) parts.push("", ...row.reads.map(printable));
  if (row.event.bytes) parts.push("", dump(row.event.bytes));
  details.textContent = parts.join("\n");
}

function rowAt(target) {
  const group = target.closest && target.closest(".row");
  return group ? state.rows[Number(group.dataset.number) - state.dropped] : null;
}

byId("rows").addEventListener("pointerover", event => { if (!state.isPinned && event.pointerType === "mouse") { const row = rowAt(event.target); if (row) showDetails(row); } });
byId("rows").addEventListener("pointerleave", () => { if (!state.isPinned) showDetails(null); });
byId("rows").addEventListener("focusin", event => { const row = rowAt(event.target); if (row) showDetails(row); });
byId("rows").addEventListener("click", event => {
  const row = rowAt(event.target), isSame = state.isPinned && row === state.picked;
  state.isPinned = !!row && !isSame;
  showDetails(isSame ? null : row);
  schedule();
});

// ---- Pause, step, slow motion

function press(button, isOn) { byId(button).setAttribute("aria-pressed", String(isOn)); }

function setPaused(isPaused) {
  state.isPaused = isPaused;
  if (isPaused) setSlow(false);
  else if (!state.isSlow) state.arrived = state.rows.length;
  press("pause", isPaused);
  byId("pause").textContent = isPaused ? "Go on" : "Pause";
  schedule();
}

let ticking = null;
function setSlow(isSlow) {
  state.isSlow = isSlow;
  press("slow", isSlow);
  clearInterval(ticking);
  if (isSlow) { if (state.isPaused) setPaused(false); ticking = setInterval(step, SLOW); }
  else if (!state.isPaused) state.arrived = state.rows.length;
  schedule();
}

// The next one that the filter keeps.
function step() {
  while (state.arrived < state.rows.length) if (isShown(state.rows[state.arrived++])) break;
  schedule();
}

function showProgress() {
  const behind = state.rows.length - state.arrived, shown = byId("state");
  const count = (state.dropped + state.rows.length).toLocaleString("en") + " events";
  const words = isOver ? "ended; " + count : !isConnected ? "no connection: trying again; " + count
    : behind ? count + ", " + behind.toLocaleString("en") + " not drawn yet" : count;
  if (shown.textContent !== words) shown.textContent = words;
  shown.className = isConnected && !isOver ? "" : "bad";
}

byId("pause").onclick = () => setPaused(!state.isPaused);
byId("step").onclick = () => { if (!state.isPaused) setPaused(true); step(); };
byId("slow").onclick = () => setSlow(!state.isSlow);
byId("reads").onclick = () => { state.hasReads = !state.hasReads; press("reads", state.hasReads); refilter(); schedule(); };
byId("filter").onchange = event => { state.filter = event.target.value; refilter(); state.follows = true; schedule(); };
byId("latest").onclick = () => { state.follows = true; schedule(); };
byId("scroll").addEventListener("scroll", () => {
  const scroll = byId("scroll");
  state.follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  schedule();
});
new ResizeObserver(() => { hasNewLifeline = true; schedule(); }).observe(byId("scroll"));

// ---- How it looks

function setSize(change) {
  const size = Math.min(40, Math.max(9, fontSize() + change));
  document.documentElement.style.setProperty("--size", size + "px");
  hasNewLifeline = true;
  schedule();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
byId("smaller").onclick = () => setSize(-1.5);
byId("larger").onclick = () => setSize(1.5);
byId("theme").onclick = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || ["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName)) return;
  const action = {" ": () => byId("pause").click(), ArrowRight: () => byId("step").click(), s: () => byId("slow").click(),
    r: () => byId("reads").click(), d: () => byId("theme").click(), "+": () => setSize(1.5), "-": () => setSize(-1.5),
    Escape: () => { state.isPinned = false; showDetails(null); schedule(); }}[event.key];
  if (action) { event.preventDefault(); action(); }
});

// ---- Saving

function ask(method, path, body) {
  const headers = token ? {Authorization: "Bearer " + token} : {};
  return fetch(path, {method, headers, body, cache: "no-store"}).then(async answer => {
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer;
  });
}

function save(path, name) {
  ask("GET", path).then(answer => answer.blob()).then(blob => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, error => say(error.message, true));
}

byId("save-svg").onclick = () => save("/diagram.svg", "diagram.svg");
byId("save-recording").onclick = () => save("/recording.jsonl", "recording.jsonl");

// ---- Faults

function say(words, isOn) {
  byId("in-force").textContent = words;
  byId("in-force").className = isOn ? "on" : "";
}

const entries = spec => spec.split(/,(?=[a-z-]+=)/).filter(entry => entry);
const keyOf = entry => entry.split("=")[0];
const lasting = () => entries(state.fault).filter(entry => !entry.includes("#"));
const isInForce = spec => entries(spec).every(entry => entries(state.fault).includes(entry));

function showFaults() {
  say(state.fault ? "injecting " + state.fault : "no faults", !!state.fault);
  for (const button of document.querySelectorAll("[data-always]")) button.setAttribute("aria-pressed", String(isInForce(button.dataset.always)));
}

function inject(spec) {
  ask("POST", "/faults", spec).then(answer => answer.json()).then(answer => {
    state.fault = answer.fault;
    showFaults();
    if (answer.warnings.length) say(byId("in-force").textContent + "\n" + answer.warnings.join("\n"), true);
  }).catch(error => say(error.message, true));
}

// These besides what lasts, in the place of those of the same name.
function injectBesides(spec) {
  const wanted = entries(spec), keys = wanted.map(keyOf);
  inject([...lasting().filter(entry => !keys.includes(keyOf(entry))), ...wanted].join(","));
}

for (const button of document.querySelectorAll("[data-once]")) button.onclick = () => injectBesides(button.dataset.once);
for (const button of document.querySelectorAll("[data-always]")) {
  button.onclick = () => {
    if (!isInForce(button.dataset.always)) return injectBesides(button.dataset.always);
    const off = entries(button.dataset.always);
    inject(lasting().filter(entry => !off.includes(entry)).join(","));
  };
}
byId("no-faults").onclick = () => inject("");
byId("own-faults").onsubmit = event => { event.preventDefault(); inject(byId("spec").value); };
byId("crash").onclick = () => ask("POST", "/crash").then(() => say("crashed", true), error => say(error.message, true));
byId("no-control").hidden = !!control;
for (const button of document.querySelectorAll("#faults button, #spec")) button.disabled = !control;

// ---- Who is there

function cells(body, rows) {
  body.replaceChildren(...rows.map(row => {
    const made = document.createElement("tr");
    for (const [words, name] of row) {
      const cell = document.createElement("td");
      cell.textContent = words;
      if (name) cell.className = name;
      made.append(cell);
    }
    return made;
  }));
}

function items(list, words) {
  list.replaceChildren(...words.map(text => {
    const item = document.createElement("li");
    item.textContent = printable(text);
    return item;
  }));
}

function time(seconds) {
  const s = Math.floor(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? h + " h " + m + " min" : m ? m + " min " + s % 60 + " s" : s + " s";
}

let before = null;
function showStatus(status) {
  state.isProxy = status.role === "proxy";
  state.pid = status.pid;
  if (state.fault !== status.fault) { state.fault = status.fault; showFaults(); }
  const passed = before && before.run === status.run ? (Date.parse(status.now) - Date.parse(before.now)) / 1000 : 0;
  const rate = (service, what) => {
    const last = passed > 0 && before.services.find(other => other.name === service.name && other.transport === service.transport);
    return last ? Math.round((service[what] - last[what]) / passed).toLocaleString("en") : "";
  };
  cells(document.querySelector("#services tbody"), status.services.map(service => [
    [service.name], [service.transport + " " + service.address],
    [service.transport === "tcp" ? service.open : "", "number"], [rate(service, "requests"), "number"], [rate(service, "replies"), "number"]]));
  byId("open").textContent = status.open + " of " + status.most;
  cells(document.querySelector("#connections tbody"), status.connections.map(it => [
    [it.service + "#" + it.number], [(it.name ? printable(it.name) + " " : "") + (it.peer || "gone")],
    [time(it.open_for), "number"], [it.messages, "number"], [printable(it.last_refusal || ""), "refused"]]));
  byId("room").hidden = !status.room;
  if (status.room) document.querySelector("#room p").textContent = status.room.map(printable).join(", ") || "nobody";
  byId("bank").hidden = !status.bank;
  if (status.bank) showBank(status.bank);
  byId("warnings").hidden = !status.warnings.length;
  items(document.querySelector("#warnings ul"), status.warnings.slice().reverse());
  byId("crash").hidden = !status.may_crash;
  before = status;
}

function showBank(bank) {
  const violations = (bank.audit && bank.audit.violations) || [], verdict = byId("verdict");
  verdict.textContent = bank.error ? "cannot be looked into: " + bank.error : violations.length ? violations.length + " violations" : "sound";
  verdict.className = bank.error || violations.length ? "wrong" : "good";
  cells(document.querySelector("#accounts tbody"), bank.accounts.map(account => [
    [account.card], [account.available, "number"], [account.held, "number"], [account.locked ? "locked" : "", "refused"]]));
  byId("unsettled").hidden = !bank.unsettled.length;
  items(document.querySelector("#unsettled ul"), bank.unsettled.map(one => Object.values(one).filter(value => typeof value !== "object").join(" ")));
}

function askStatus() {
  if (document.hidden || isOver) return;
  ask("GET", "/status").then(answer => answer.json()).then(showStatus).then(schedule)
    .catch(error => { if (error instanceof TypeError) return; say(error.message, true); });
}

function showFilter() {
  const filter = byId("filter"), services = new Set(), names = new Set(), connections = [];
  for (const known of state.connections.values()) {
    services.add(known.service);
    if (known.name) names.add(known.name);
    connections.push(known.id);
  }
  const wanted = [["", "everything"], ...[...services].map(name => ["service:" + name, name]),
    ...[...names].map(name => ["name:" + name, name]), ...connections.slice(-100).map(id => ["connection:" + id, id])];
  if (filter.options.length === wanted.length && wanted.every(([value], index) => filter.options[index].value === value)) return;
  filter.replaceChildren(...wanted.map(([value, words]) => new Option(words, value, false, value === state.filter)));
}

setInterval(() => { askStatus(); showFilter(); }, 2000);
askStatus();
showFaults();

// ---- The stream

const source = new EventSource("/events" + (token ? "?token=" + encodeURIComponent(token) : ""));
source.onopen = () => { isConnected = true; schedule(); };
source.onerror = () => {
  isConnected = false;
  if (source.readyState === EventSource.CLOSED) ask("GET", "/status").catch(error => { if (!(error instanceof TypeError)) say(error.message, true); });
  schedule();
};
source.onmessage = message => take(JSON.parse(message.data));
source.addEventListener("header", message => {
  const header = JSON.parse(message.data);
  isOver = false;
  if (state.run && state.run !== header.run) {
    const words = "started again, process " + header.pid;
    add({t: 0, connection: null, event: {wall: header.wall}, kind: "banner", words, badges: [], classes: new Set()});
    state.connections.clear();
    state.held.clear();
  }
  state.run = header.run;
  state.pid = header.pid;
  if (header.fault && !state.fault) { state.fault = header.fault; showFaults(); }
  schedule();
});
source.addEventListener("over", () => { isOver = true; schedule(); });
