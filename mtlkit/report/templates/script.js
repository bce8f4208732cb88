"use strict";
(() => {
  const root = document.documentElement;
  root.dataset.script = "";

  // The button turns light into dark and back; until then the page is as the system is.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const named = () => { button.textContent = isDark() ? "Light page" : "Dark page"; };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); });
  system.addEventListener("change", named);
  named();

  // One tooltip for all marks of charts and for all that has data-tip, by pointer, finger and keyboard.
  const tip = document.getElementById("tip");
  let shownFor = null;
  const within = (box, event) => event.clientX >= box.left - 4 && event.clientX <= box.right + 4 &&
    event.clientY >= box.top - 4 && event.clientY <= box.bottom + 4;
  const area = (mark) => { const box = mark.getBoundingClientRect(); return box.width * box.height; };
  // What a pointer is on, be it under the tooltip; a line of a chart is thin, so near it is as good.
  const target = (event) => {
    const below = document.elementsFromPoint(event.clientX, event.clientY);
    const direct = below.map((element) => element.closest(".mark, [data-tip]")).find(Boolean);
    const chart = below.map((element) => element.closest("svg.chart")).find(Boolean);
    if (direct || !chart) return direct;
    const near = [...chart.querySelectorAll(".mark")].filter((mark) => within(mark.getBoundingClientRect(), event));
    return near.sort((one, other) => area(one) - area(other))[0];
  };
  const hide = () => { tip.hidden = true; shownFor = null; };
  const show = (element) => {
    shownFor = element;
    tip.textContent = element.dataset.tip || element.getAttribute("aria-label");
    tip.hidden = false;
    const box = element.getBoundingClientRect(), own = tip.getBoundingClientRect(), gap = 6;
    const left = box.left + box.width / 2 - own.width / 2;
    tip.style.left = `${Math.max(gap, Math.min(left, root.clientWidth - own.width - gap))}px`;
    const above = box.top - own.height - gap;
    tip.style.top = `${above > 0 ? above : Math.min(box.bottom + gap, innerHeight - own.height - gap)}px`;
  };
  const follow = (event) => {
    const element = target(event);
    if (element) show(element);
    else if (event.target !== tip) hide();
  };
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerdown", follow);
  root.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
  document.addEventListener("focusin", (event) => {
    const element = event.target.closest(".mark, [data-tip]");
    if (element) show(element);
    else hide();
  });
  document.addEventListener("focusout", () => hide());
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", () => { if (shownFor) show(shownFor); }, { capture: true, passive: true });

  // The table of contents says where one is.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);

  // On paper nothing is folded away but the weights of single texts, which would be pages.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open], .text *)")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
})();
