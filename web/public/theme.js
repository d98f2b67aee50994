// Applies the user's theme before the first paint.
try {
  const chosen = localStorage.getItem('rowcall.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be disabled: the system's theme is used.
}
