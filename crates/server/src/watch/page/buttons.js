// What the buttons and the keys do.

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
