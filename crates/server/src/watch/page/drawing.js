// How rows are drawn: where the lifelines stand, and of the rows those that can be seen.

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
