"use strict";
(() => {
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try { await navigator.clipboard.writeText(text); return true; } catch { /* The older way is left. */ }
    }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    const label = button.innerHTML;
    button.addEventListener("click", async () => {
      const done = await copy(button.previousElementSibling.textContent);
      button.focus();
      button.textContent = done ? "Copied" : "Select and copy by hand";
      setTimeout(() => { button.innerHTML = label; }, 2000);
    });
  }

  const search = document.getElementById("search");
  const hits = document.getElementById("hits");
  const facts = [...document.querySelectorAll(".fact")].map((row) => [row, row.textContent.toLowerCase()]);
  search.parentElement.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of facts) {
      const found = words.every((word) => text.includes(word));
      row.hidden = !found;
      shown += found;
    }
    hits.value = words.length ? `${shown} of ${facts.length}` : "";
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const one of closed) { one.open = true; }
  });
  addEventListener("afterprint", () => {
    for (const one of closed) { one.open = false; }
  });
})();
