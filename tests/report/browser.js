// What tests ask of a page, put into it by the test: the page itself has none of this.
window.look = (() => {
  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) &&
    element.getClientRects().length > 0;
  const stops = () => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
    .filter((element) => element.tabIndex >= 0 && isSeen(element));
  const named = (element) => (element.getAttribute("aria-label") || element.textContent || "").trim();
  const tip = () => { const tip = document.getElementById("tip"); return tip.hidden ? null : tip.textContent; };
  const wanted = (element) => element.matches(".mark, [data-tip]")
    ? element.dataset.tip || element.getAttribute("aria-label") : null;

  let known = [];  // all stops, as they were before the first Tab
  const begin = () => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
    known = stops();
    return known.length;
  };
  const stays = () => {
    const now = stops();
    return now.length === known.length && now.every((element, place) => element === known[place]);
  };
  const stop = () => {
    const element = document.activeElement;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const seen = isSeen(element) && inside && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const name = `${element.tagName} ${named(element).slice(0, 60)} ${Math.round(box.left)},${Math.round(box.top)}`;
    return [known.indexOf(element), name, seen, tip(), wanted(element)];
  };

  const marks = () => [...document.querySelectorAll(".mark, [data-tip]")].filter(isSeen);
  let placed = [];  // all marks, since the first was placed
  // A point of the mark that lies on it: the middle of its line or box; null where there are no so many marks.
  const place = (number) => {
    if (number === 0) placed = marks();
    const mark = placed[number];
    if (!mark) return null;
    // Scrolling to each mark of a chart would have the page drawn for each.
    if (!isAtHand(mark)) mark.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    return middle(mark);
  };
  const middle = (mark) => {
    const path = mark.querySelector("path");
    if (path && path.getTotalLength && !mark.querySelector("use")) {
      const { x, y } = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
      return [x, y];
    }
    const box = mark.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  // Whether it can be pointed at where it is, with room for a tooltip.
  const isAtHand = (mark) => {
    const { top, bottom } = mark.getBoundingClientRect();
    const isInTheMiddle = top > innerHeight / 4 && bottom < innerHeight * 3 / 4;
    return isInTheMiddle && mark.contains(document.elementFromPoint(...middle(mark)));
  };
  const hovered = (number, x, y) => {
    const mark = placed[number], shown = tip();
    const near = placed.filter((other) => {
      const box = other.getBoundingClientRect();
      return x >= box.left - 5 && x <= box.right + 5 && y >= box.top - 5 && y <= box.bottom + 5;
    });
    if (shown !== null && near.map(wanted).includes(shown)) return null;
    return `${wanted(mark)}: ${shown === null ? "no tooltip" : `the tooltip says ${shown}`}`;
  };

  // Colours of whatever notation, as bytes.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const bytes = new Map();
  const rgba = (colour) => {
    if (!bytes.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      bytes.set(colour, [red, green, blue, alpha / 255]);
    }
    return bytes.get(colour);
  };
  const over = (top, below) => [0, 1, 2].map((part) => top[part] * top[3] + below[part] * (1 - top[3]));
  const background = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const faintTexts = () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
    const faint = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !isSeen(element) || element.closest("script, style")) continue;
      const style = getComputedStyle(element);
      const isSvg = element instanceof SVGElement;
      let colour = rgba(isSvg ? style.fill : style.color);
      let opacity = colour[3];
      for (let each = element; each; each = each.parentElement) opacity *= parseFloat(getComputedStyle(each).opacity);
      const below = background(element);
      const found = contrast(over([...colour.slice(0, 3), opacity], below), below);
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
      if (found < (isLarge ? 3 : 4.5)) faint.add(`${walker.currentNode.data.trim().slice(0, 40)}: ${found.toFixed(2)}`);
    }
    return [...faint];
  };

  const unnamed = () => {
    const found = stops().filter((element) => !named(element)).map((element) => element.outerHTML.slice(0, 100));
    const names = [...document.querySelectorAll("[id]")].map((element) => element.id);
    return [...found, ...new Set(names.filter((name, place) => names.indexOf(name) !== place))];
  };

  return { begin, stays, stop, marks, place, hovered, faintTexts, unnamed };
})();
