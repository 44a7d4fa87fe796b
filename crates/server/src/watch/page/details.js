// What one row says, when it is pointed at, tapped, or in the focus.

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
