// Smooths what works without it: nothing here is needed to use a page.

// A form is sent once, however often its button is pressed; on coming back by the back button it may be sent again.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// How long places are still held: said by the page as an hour, counted here; nothing is decided by it.
for (const shown of document.querySelectorAll("[data-until]")) {
  const until = Date.parse(shown.dataset.until);
  const tell = () => {
    const left = Math.floor((until - Date.now()) / 1000);
    shown.textContent = left > 0 ? `(encore ${Math.floor(left / 60)} min ${String(left % 60).padStart(2, "0")} s)` : "(délai dépassé)";
    if (left <= 0) clearInterval(timer);
  };
  const timer = setInterval(tell, 1000);
  tell();
}
