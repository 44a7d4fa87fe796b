// Who is there: the status, asked for every two seconds.

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
