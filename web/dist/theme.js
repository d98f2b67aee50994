// Before anything is painted: the look that the reader has chosen, if they have.
try {
  const chosen = localStorage.getItem('rowcall.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be closed to pages; the system's look will do.
}
