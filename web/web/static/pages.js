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

// What a month's ticks come to, as they stand; a box for a week's row and for a weekday's column; the last change undone; a
// word before ticks are left behind.
for (const form of document.querySelectorAll("form[data-ticks]")) {
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const total = form.querySelector("[data-total]");
  const euros = new Intl.NumberFormat("fr-FR", { style: "currency", currency: "EUR" });
  const changed = () => boxes.filter((box) => box.checked !== box.parentElement.classList.contains("booked"));
  const tell = () => {
    const days = changed();
    const unknown = days.some((box) => !box.dataset.cents);
    const cents = days.reduce((sum, box) => sum + (box.checked ? 1 : -1) * Number(box.dataset.cents ?? 0), 0);
    const price = cents ? `${euros.format(Math.abs(cents) / 100)} ${cents > 0 ? "de plus" : "de moins"}` : unknown ? "prix indisponible" : "aucun changement de prix";
    const count = `(${days.length} jour${days.length > 1 ? "s" : ""})`;
    total.replaceChildren(Object.assign(document.createElement("p"), {
      className: "total",
      textContent: days.length ? `Total du changement : ${price} ${count}` : "Rien n'est changé pour le moment.",
    }));
  };
  const lines = [...form.querySelectorAll(".month table")].flatMap((table) => {
    const legend = table.closest("fieldset").querySelector("legend").textContent;
    const rows = [...table.tBodies[0].rows];
    return [
      ...[...table.tHead.rows[0].cells].slice(1).map((head, at) => ({
        head, name: `Tous les ${head.firstChild.title}s, ${legend}`, days: rows.map((row) => row.cells[at + 1].querySelector("input")),
      })),
      ...rows.map((row) => ({
        head: row.cells[0], name: `Toute la semaine, ${row.cells[0].textContent.trim()}, ${legend}`, days: [...row.querySelectorAll("input")],
      })),
    ].map((line) => ({ ...line, days: line.days.filter(Boolean) })).filter(({ days }) => days.length > 1);
  });
  for (const line of lines) {
    const all = line.all = Object.assign(document.createElement("input"), { type: "checkbox", ariaLabel: line.name });
    line.head.append(all);
    all.addEventListener("change", () => { for (const box of line.days) box.checked = all.checked; });
  }
  const undo = Object.assign(document.createElement("button"), { type: "button", className: "second small", hidden: true, textContent: "Annuler le dernier changement" });
  total.after(undo);
  const past = [];
  let now = boxes.map((box) => box.checked);
  const remember = () => {
    past.push(now);
    now = boxes.map((box) => box.checked);
  };
  undo.addEventListener("click", () => {
    now = past.pop();
    for (const [at, box] of boxes.entries()) box.checked = now[at];
    gather();
  });
  const gather = () => {
    undo.hidden = !past.length;
    for (const { all, days } of lines) {
      const ticked = days.filter((box) => box.checked).length;
      all.checked = ticked === days.length;
      all.indeterminate = ticked > 0 && ticked < days.length;
    }
    tell();
  };
  form.addEventListener("change", () => { remember(); gather(); });
  addEventListener("pageshow", gather);
  const start = boxes.map((box) => box.checked);
  addEventListener("beforeunload", (event) => {
    if (!form.dataset.sent && boxes.some((box, at) => box.checked !== start[at])) event.preventDefault();
  });
}

// « Tous à la fois »: a box that ticks those of several children, and follows them.
for (const all of document.querySelectorAll("input[data-all]")) {
  const boxes = all.value.split(" ").map((id) => document.getElementById(id)).filter(Boolean);
  const follow = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && !all.checked;
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  for (const box of boxes) box.addEventListener("change", follow);
  follow();
}

// A passkey: the device answers here, and its form carries the answer.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const { credential } = form.elements;
  form.addEventListener("submit", async (event) => {
    if (credential.value) return;
    event.preventDefault();
    const options = JSON.parse(form.dataset.options);
    try {
      const answer = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      credential.value = JSON.stringify(answer.toJSON());
    } catch {
      document.getElementById("status").textContent = "Votre appareil n'a pas donné de clé d'accès : vous pouvez recommencer.";
    }
    delete form.dataset.sent;
    if (credential.value) form.requestSubmit();
  });
}
