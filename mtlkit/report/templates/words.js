"use strict";
(() => {
  // One task at a time: a list of all, made here, because without a script all of them are shown.
  for (const view of document.querySelectorAll(".by-task")) {
    const tasks = [...view.querySelectorAll(":scope > .task")];
    if (tasks.length < 2) continue;
    const label = document.createElement("label"), choice = document.createElement("select");
    label.className = "filter";
    for (const task of tasks) choice.add(new Option(task.querySelector("h3").textContent));
    choice.add(new Option("all tasks"));
    const choose = () => tasks.forEach((task, place) =>
      task.classList.toggle("left-out", choice.selectedIndex < tasks.length && choice.selectedIndex !== place));
    choice.addEventListener("change", choose);
    label.append("Task", choice);
    view.prepend(label);
    choose();
    // A link from elsewhere leads to a text of a task that is left out.
    const arrive = () => {
      const place = tasks.findIndex((task) => location.hash && task.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`));
      if (place < 0) return;
      choice.selectedIndex = place;
      choose();
      document.getElementById(location.hash.slice(1)).scrollIntoView();
    };
    addEventListener("hashchange", arrive);
    arrive();
  }

  // Tab comes to a sentence once; arrows go from word to word.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const chosen = (word) => {
    for (const each of word.parentElement.querySelectorAll('button[tabindex="0"]')) each.tabIndex = -1;
    word.tabIndex = 0;
    if (word.dataset.tip) word.setAttribute("aria-description", word.dataset.tip);
  };
  document.addEventListener("focusin", (event) => { if (event.target.matches?.(".sentence > button")) chosen(event.target); });
  document.addEventListener("keydown", (event) => {
    const word = event.target;
    if (!word.matches?.(".sentence > button") || event.altKey || event.ctrlKey || event.metaKey) return;
    const words = [...word.parentElement.querySelectorAll(":scope > button")], place = words.indexOf(word);
    const last = words.length - 1;
    const next = event.key === "Home" ? 0 : event.key === "End" ? last : place + (steps[event.key] ?? NaN);
    if (!Number.isInteger(next)) return;
    event.preventDefault();
    words[Math.max(0, Math.min(next, last))].focus();
  });
})();
