"use strict";
(() => {
  const svgOf = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);

  // Of each way of reading: its words above and below, the weights between them, and which word is chosen.
  const prepared = (reading) => {
    const [own, shared] = ["own", "shared"].map((kind) => [...reading.querySelectorAll(`.${kind} > button`)]);
    // Thousandths, by the place of what is read.
    const weights = own.map((word) => new Map((word.dataset.reads || "").split(" ").filter(Boolean)
      .map((each) => each.split(":").map(Number)).map(([source, weight]) => [source, weight / 1000])));
    own.forEach((word, place) => {
      const most = [...weights[place]].slice(0, 3).map(([source, weight]) =>
        `${shared[source].textContent} (${source + 1}) ${weight.toFixed(2)}`);
      word.dataset.tip = [...most, word.dataset.tip].filter(Boolean).join("\n");
    });
    shared.forEach((word) => {
      word.dataset.tip = `was read ${word.dataset.reads} times as much as if all were read alike`;
    });
    const shades = new Map([...own, ...shared].map((word) => [word, word.style.getPropertyValue("--w")]));
    const lines = svgOf("svg");
    lines.setAttribute("aria-hidden", "true");
    reading.prepend(lines);
    return { reading, own, shared, weights, shades, lines, heaviest: Number(reading.dataset.heaviest), chosen: null };
  };

  // [word above, word below, weight] of all that is drawn for the chosen word.
  const linksOf = (view) => {
    const place = view.own.indexOf(view.chosen);
    if (place >= 0) return [...view.weights[place]].map(([source, weight]) => [view.chosen, view.shared[source], weight]);
    const source = view.shared.indexOf(view.chosen);
    return view.own.flatMap((word, at) =>
      view.weights[at].has(source) ? [[word, view.chosen, view.weights[at].get(source)]] : []);
  };

  const draw = (view) => {
    const links = linksOf(view), around = view.reading.getBoundingClientRect();
    const others = view.own.includes(view.chosen) ? view.shared : view.own;
    for (const word of [...view.own, ...view.shared]) {
      word.setAttribute("aria-pressed", String(word === view.chosen));
      word.style.setProperty("--w", others.includes(word) ? 0 : view.shades.get(word));
    }
    view.lines.replaceChildren(...links.map(([above, below, weight]) => {
      const line = svgOf("line"), from = above.getBoundingClientRect(), to = below.getBoundingClientRect();
      const strength = Math.min(1, weight / view.heaviest);
      (above === view.chosen ? below : above).style.setProperty("--w", strength.toFixed(2));
      line.setAttribute("x1", from.left + from.width / 2 - around.left);
      line.setAttribute("y1", from.bottom - around.top);
      line.setAttribute("x2", to.left + to.width / 2 - around.left);
      line.setAttribute("y2", to.top - around.top);
      line.style.strokeWidth = `${(0.5 + 4.5 * strength).toFixed(2)}px`;
      line.style.opacity = (0.15 + 0.85 * strength).toFixed(2);
      return line;
    }));
  };

  const views = new Map();
  const resized = new ResizeObserver((entries) => { for (const { target } of entries) draw(views.get(target)); });
  for (const reading of document.querySelectorAll(".reading")) {
    const view = prepared(reading);
    view.chosen = view.own[Number(reading.dataset.chosen)];
    views.set(reading, view);
    resized.observe(reading);
  }
  for (const kind of ["pointerover", "focusin", "click"]) document.addEventListener(kind, (event) => {
    const word = event.target.closest?.(".reading .sentence > button"), view = word && views.get(word.closest(".reading"));
    if (!view || view.chosen === word) return;
    view.chosen = word;
    draw(view);
  });

  // Of two networks one at a time.
  for (const text of document.querySelectorAll(".text")) {
    const ways = [...text.querySelectorAll(":scope > .reading[data-way]")];
    if (ways.length < 2) continue;
    const choice = document.createElement("div"), buttons = ways.map((way) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = way.dataset.way;
      button.addEventListener("click", () => show(way));
      return button;
    });
    choice.className = "ways";
    choice.setAttribute("role", "group");
    choice.setAttribute("aria-label", "Network");
    choice.append(...buttons);
    ways[0].before(choice);
    const show = (shown) => ways.forEach((way, place) => {
      way.classList.toggle("left-out", way !== shown);
      way.querySelector(".way").hidden = true;
      buttons[place].setAttribute("aria-pressed", String(way === shown));
    });
    show(ways[0]);
  }
})();
