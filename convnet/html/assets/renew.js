// Renews the page of `convnet watch` in place, so that zoom, folded parts and position are kept.
"use strict";
(function () {
  const seconds = Number(document.body.dataset.renew);
  const status = document.getElementById("renewed");
  let version = null;

  async function renew() {
    try {
      const headers = version ? { "If-None-Match": version } : {};
      const answer = await fetch("/", { headers, cache: "no-store" });
      if (answer.status === 200) {
        version = answer.headers.get("ETag");
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } else if (answer.status !== 304) {
        throw new Error(answer.statusText);
      }
      status.textContent = `up to date at ${new Date().toLocaleTimeString()}`;
    } catch (problem) {
      status.textContent = "convnet watch does not answer; this is what it showed last";
    }
  }

  // Puts the sections of a newer page in the place of those that differ.
  function show(newer) {
    document.title = newer.title;
    const main = document.querySelector("main");
    let last = null;
    for (const section of newer.querySelectorAll("main > section")) {
      const old = document.getElementById(section.id);
      if (!old) {
        if (last) last.after(section); else main.prepend(section);
        last = section;
      } else {
        if (section.id !== "curves") replaceParts(old, section);
        last = document.getElementById(section.id);
      }
    }
    window.showCurves(JSON.parse(newer.getElementById("curves-data").textContent));
  }

  function replaceParts(old, section) {
    const titles = part => [...part.querySelectorAll(":scope > details > summary")].map(s => s.textContent);
    if (titles(old).join() !== titles(section).join() || !titles(old).length) {
      if (old.innerHTML !== section.innerHTML) old.replaceWith(section);
      return;
    }
    const parts = section.querySelectorAll(":scope > details");
    old.querySelectorAll(":scope > details").forEach((part, i) => {
      if (part.innerHTML !== parts[i].innerHTML) part.innerHTML = parts[i].innerHTML;
    });
  }

  setInterval(renew, 1000 * seconds);
})();
