// The stream of events. A browser repeats the request by itself, from the event that it had last.

document.title = document.querySelector("h1").textContent = "labserver " + location.host;
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
